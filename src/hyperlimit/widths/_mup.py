"""Maximal updates at every width: sizes and learning rates of whole networks."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar, final

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, PRNGKeyArray, PyTree

from hyperlimit.errors import InputError
from hyperlimit.finite import FiniteHypernetwork, FiniteNetwork, Values, init
from hyperlimit.layers import Dense, Elementwise, Size
from hyperlimit.networks import Hypernetwork, Network
from hyperlimit.widths._abc import Rule, check_rule
from hyperlimit.widths._rule_of_steps import check_steps
from hyperlimit.widths._tensor_scale import TensorScale, tensor_scales


class Factor(NamedTuple):
    """What one array's deviation at birth and learning rate are multiplied by."""

    size: Array
    rate: Array


Factors = Sequence[Mapping[str, Factor]]
N = TypeVar("N", bound=FiniteHypernetwork | FiniteNetwork)


@final
@dataclass(frozen=True)
class MuP:
    r"""The maximal update parametrisation of a network, or of a hypernetwork.

    At the widths of `base` it is the standard parametrisation; at others every array
    keeps what its update does to activations, so that what was the best learning rate
    at the base is the best one here. `TensorScale` has the rule of a plain network. In
    a hypernetwork, f and what g keeps for itself follow it, each in its own width, and
    a generated array of g is

    $$W(x) = W_0 + H \phi(x),$$

    with $s$ and $\rho$ the size and rate that the rule gives W in g, and n and m the
    widths of f and g as multiples of the base's:

    | | size | rate, SGD or Adam |
    |---|---|---|
    | H | $\kappa s \min(1, \sqrt{m'/n}) / \sqrt{fan\ in}$ | $\rho / n$ |
    | $W_0$, the bias of the head | what is left of $s$ | $\rho$ |

    where $m'$ is m if an axis of W grows with g's width and 1 else. `docs/widths.md`
    derives it from the size of every update; `coordinate_check` measures it.

    Attributes:
        spec: the network to be trained.
        base: the same, at the widths at which a learning rate is known or looked for.
        rule: "sgd", with or without momentum, or "adam".
        kernel: $\kappa$, from 0 to 1: how much of W depends on x at birth. At 0 every x
            has the same primary at first.

    Raises:
        InputError: for two descriptions that differ in more than widths, another rule,
            or a kernel out of range.

    References:
        Yang et al., *Tensor Programs V: Tuning Large Neural Networks via Zero-Shot
        Hyperparameter Transfer*, NeurIPS 2021, for plain networks.

    Examples:
        >>> import jax, optax, hyperlimit as hl
        >>> def describe(n, m):
        ...     f, g = hl.mlp(depth=3, width=n), hl.mlp(depth=3, width=m, out=1)
        ...     return hl.Hypernetwork(meta=f, primary=g)
        >>> mup = hl.MuP(describe(256, 64), base=describe(32, 16))
        >>> net = mup.init(key=jax.random.key(0), x=5, z=2)
        >>> optimiser = mup.optimiser(net, optax.adam(1e-2))
        >>> net.batch(jax.numpy.ones((3, 5)), jax.numpy.ones((7, 2))).shape
        (3, 7, 1)
    """

    spec: Hypernetwork | Network
    base: Hypernetwork | Network
    rule: Rule = "adam"
    kernel: float = 0.5

    def __post_init__(self):
        check_rule(self.rule)
        if not 0 <= self.kernel <= 1:
            raise InputError(f"kernel={self.kernel} was given: give 0 to 1.")
        for given in (self.spec, self.base):
            if not isinstance(given, Network | Hypernetwork):
                raise InputError(
                    f"MuP was given a {type(given).__name__}: give two Hypernetworks "
                    "or two Networks."
                )
        if type(self.spec) is not type(self.base):
            raise InputError(
                f"a {type(self.spec).__name__} and, as base, a "
                f"{type(self.base).__name__} were given: describe both alike."
            )
        if isinstance(self.spec, Hypernetwork):
            assert isinstance(self.base, Hypernetwork)
            _check_alike("f", self.spec.meta, self.base.meta)
            _check_alike("g", self.spec.primary, self.base.primary)
        else:
            assert isinstance(self.base, Network)
            _check_alike("network", self.spec, self.base)

    def init(
        self,
        *,
        key: PRNGKeyArray | Array,
        x: ArrayLike | Size | None = None,
        z: ArrayLike | Size | None = None,
    ) -> FiniteHypernetwork | FiniteNetwork:
        """Draws the network; x and z as in `hyperlimit.init`.

        Raises:
            InputError: if a size of inputs is not known.
        """
        spec = self.spec
        if isinstance(spec, Hypernetwork):
            # The bias of the head is W_0, which every hypernetwork here has.
            last = spec.meta.layers[-1]
            assert isinstance(last, Dense)
            head = replace(last, bias_std=1.0)
            meta = replace(spec.meta, layers=(*spec.meta.layers[:-1], head))
            spec = replace(spec, meta=meta)
        net = init(spec, key=key, x=x, z=z, parametrisation="standard")
        if not isinstance(net, FiniteNetwork | FiniteHypernetwork):
            raise InputError(
                "the sizes of x and z are not known: give examples, or their lengths."
            )
        return self._mapped(
            net, lambda array, factor: array * _like(factor.size, array)
        )

    def rates(self, net: FiniteHypernetwork | FiniteNetwork) -> optax.Params:
        """The factor of every array's learning rate: a tree like the arrays of net.

        Random numbers that features of the inputs are made of are not trained: zero.

        Raises:
            InputError: for a network of another description than `spec`.
        """
        self._check_net(net)
        still = jax.tree.map(jnp.zeros_like, eqx.filter(net, eqx.is_inexact_array))
        return self._mapped(still, lambda array, factor: _like(factor.rate, array))

    def optimiser(
        self,
        net: FiniteHypernetwork | FiniteNetwork,
        rule: optax.GradientTransformation,
    ) -> optax.GradientTransformation:
        """The rule with every array's step multiplied by its factor.

        Args:
            net: from `init`.
            rule: for `rule="sgd"` one whose step is linear in the gradients, such as
                `optax.sgd(0.1, momentum=0.9)`; for "adam" one whose step does not know
                the size of gradients, such as `optax.adam(1e-3)`.

        Raises:
            InputError: for a rule of the other kind, or another network than `spec`'s.
        """
        check_steps(rule, self.rule)
        return scaled_by(rule, self.rates(net))

    def _check_net(self, net: FiniteHypernetwork | FiniteNetwork) -> None:
        if isinstance(net, FiniteHypernetwork) and isinstance(self.spec, Hypernetwork):
            sizes = {"x": net.meta.in_size, "z": net.z_size}
        elif isinstance(net, FiniteNetwork) and isinstance(self.spec, Network):
            sizes = {"x": net.in_size}
        else:
            raise InputError(
                f"a {type(net).__name__} was given and MuP is of a "
                f"{type(self.spec).__name__}: give a network from its init."
            )
        drawn = eqx.filter_eval_shape(self.init, key=jax.random.key(0), **sizes)
        expected, given = (
            [
                array.shape
                for array in jax.tree.leaves(each)
                if jnp.issubdtype(array.dtype, jnp.inexact)
            ]
            for each in (drawn, net)
        )
        if expected != given:
            raise InputError(
                f"the network has arrays of shapes {given} and MuP's spec those of "
                f"{expected}: give a network from its init."
            )

    def _mapped(self, net: N, function: Callable[[Array, Factor], Array]) -> N:
        """The network with every trained array made from it and its factor."""

        def mapped(values: Values, factors: Factors) -> Values:
            return tuple(
                {name: function(array, scales[name]) for name, array in layer.items()}
                for layer, scales in zip(values, factors, strict=True)
            )

        if isinstance(net, FiniteNetwork):
            assert isinstance(self.spec, Network)
            assert isinstance(self.base, Network)
            scales = tensor_scales(self.spec, self.base, net.in_size)
            values = mapped(net.values, self._factors(scales))
            return eqx.tree_at(lambda whole: whole.values, net, values)
        meta, own = self._hypernetwork_factors(net.meta.in_size, net.z_size)
        return eqx.tree_at(
            lambda whole: (whole.meta.values, whole.own),
            net,
            (mapped(net.meta.values, meta), mapped(net.own, own)),
        )

    def _factors(self, scales: Sequence[Mapping[str, TensorScale]]) -> Factors:
        return [
            {
                name: Factor(
                    jnp.asarray(scale.size), jnp.asarray(scale.rate(self.rule))
                )
                for name, scale in layer.items()
            }
            for layer in scales
        ]

    def _hypernetwork_factors(
        self, x_size: Size, z_size: Size
    ) -> tuple[Factors, Factors]:
        """Of the meta-network, whose last layer is the head, and of g's own arrays."""
        spec, base = self.spec, self.base
        assert isinstance(spec, Hypernetwork)
        assert isinstance(base, Hypernetwork)
        primary = tensor_scales(spec.primary, base.primary, z_size)
        meta = tensor_scales(spec.meta.with_out(1), base.meta.with_out(1), x_size)
        n = meta[-1]["weight"].fan_in
        weights, biases = [], []
        parameters = spec.primary.parameters(z_size)
        for layer, scales, sized in zip(
            spec.primary.layers, primary, parameters, strict=True
        ):
            for parameter in sized:
                if not spec.is_generated(layer.generated()[parameter.name]):
                    continue
                scale = scales[parameter.name]
                rate = scale.rate(self.rule)
                share = self.kernel * min(1.0, math.sqrt(scale.width / n))
                rest = math.sqrt(1 - share**2)
                rows = jnp.ones(parameter.size)
                weights.append((scale.size * share * rows, rate / n * rows))
                biases.append((scale.size * rest * rows, rate * rows))
        columns = [
            jnp.concatenate(parts)[:, None] for parts in zip(*weights, strict=True)
        ]
        offsets = [jnp.concatenate(parts) for parts in zip(*biases, strict=True)]
        head = {"weight": Factor(*columns), "bias": Factor(*offsets)}
        return [*self._factors(meta[:-1]), head], self._factors(primary)


def _check_alike(name: str, spec: Network, base: Network) -> None:
    """Raises an InputError for networks that differ in their layers."""
    one, other = (
        [type(layer).__name__ for layer in network.layers] for network in (spec, base)
    )
    if one != other:
        raise InputError(
            f"{name} has layers {', '.join(one)} in spec and {', '.join(other)} in "
            "base: describe both alike, but for their widths."
        )
    for layer, beside in zip(spec.layers, base.layers, strict=True):
        if isinstance(layer, Elementwise) and layer != beside:
            raise InputError(
                f"{name} has the layer {layer!r} in spec and {beside!r} in base: "
                "describe both alike, but for their widths."
            )


def scaled_by(
    rule: optax.GradientTransformation, rates: PyTree
) -> optax.GradientTransformation:
    """A rule with the step of every array multiplied by its factor in a tree."""

    def scaled(steps: PyTree, params: PyTree | None) -> PyTree:
        del params
        # What is not trained has a rate, and no step.
        return jax.tree.map(
            lambda step, rate: None if step is None else step * rate,
            steps,
            rates,
            is_leaf=lambda leaf: leaf is None,
        )

    return optax.chain(rule, optax.stateless(scaled))


def _like(factor: Array, array: Array) -> Array:
    return factor.astype(array.dtype)
