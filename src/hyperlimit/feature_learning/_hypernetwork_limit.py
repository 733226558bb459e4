"""Hypernetworks with a linear f, infinitely wide, that learn features."""

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from hyperlimit.activations import Identity
from hyperlimit.errors import InputError
from hyperlimit.finite import FiniteHypernetwork, init, input_size
from hyperlimit.layers import AbstractLayer, Dense, Elementwise, Size
from hyperlimit.meta_wide import check_linear
from hyperlimit.networks import Hypernetwork, Network
from hyperlimit.parametrisation import Parameter
from hyperlimit.widths import MuP, scaled_by, tensor_scales

Widen = Literal["meta", "both"]


class _Written(NamedTuple):
    """An array of g in the small network.

    Attributes:
        parameter: its name and shape.
        size: s, of its entries at birth, or of its blocks of the identity.
        rate: rho.
        grown: m' of `MuP`, over what a width of H is counted in.
    """

    parameter: Parameter
    size: float
    rate: float
    grown: float


@final
@dataclass(frozen=True)
class HypernetworkFeatureLimit:
    """An infinitely wide hypernetwork, as a small one; used as `MuP` is.

    Attributes:
        spec, base: of the finite networks, as in `MuP`.
        kernel: as in `MuP`.
        widen: "meta" or "both".
    """

    spec: Hypernetwork
    base: Hypernetwork
    kernel: float
    widen: Widen

    def init(
        self, *, key: PRNGKeyArray | Array, x: ArrayLike | Size, z: ArrayLike | Size
    ) -> FiniteHypernetwork:
        """The small network at birth.

        Args:
            key: with "meta", draws W_0, the same one as `mup.init` with a kernel of 0
                does, whatever the width; with "both" only features of the inputs.
            x, z: examples of the inputs, or their lengths.
        """
        meta, primary = self.spec.meta, self._primary(z)
        x_size, z_size = _size("x", x, meta), _size("z", z, primary)
        inputs = _features(meta, x_size)
        first, head = _dense(meta.layers[0]), _dense(meta.layers[-1])
        small = replace(self.spec, primary=primary)
        written = self._written(small, z_size)
        # What H is at birth needs a unit for every weight that it writes.
        kernel, count = self.kernel, sum(each.parameter.size for each in written)
        units = inputs + (count if kernel > 0 else 0)
        offset = replace(head, bias_std=1.0)
        layers = (*_with_hidden(meta, units).layers[:-1], offset)
        small = replace(small, meta=replace(meta, layers=layers))
        net = init(small, key=key, x=x_size, z=z_size, parametrisation="standard")
        assert isinstance(net, FiniteHypernetwork)
        drawn = net.meta.values[-1]["bias"]
        kind = drawn.dtype
        sizes = jnp.concatenate(
            [
                jnp.full(each.parameter.size, each.size * math.sqrt(each.grown), kind)
                for each in written
            ]
        )
        sizes *= kernel * head.weight_std * math.sqrt(self._base_width(x_size))
        still = jnp.zeros((count, inputs), kind)
        columns = jnp.diag(sizes)[:, : units - inputs]
        size = first.weight_std / math.sqrt(inputs)
        values = (
            {"weight": size * jnp.eye(units, inputs, dtype=kind)},
            *({} for _ in meta.layers[1:-1]),
            {
                "weight": jnp.concatenate([still, columns], axis=1),
                "bias": self._birth(drawn, written),
            },
        )
        return eqx.tree_at(lambda whole: whole.meta.values, net, values)

    def rates(self, net: FiniteHypernetwork) -> FiniteHypernetwork:
        """The factor of every array's learning rate: a tree like the arrays of net."""
        written = self._written(net.spec, net.z_size)
        n0 = self._base_width(net.meta.in_size)
        kind = net.meta.values[-1]["bias"].dtype
        rate = jnp.concatenate(
            [jnp.full(each.parameter.size, each.rate, kind) for each in written]
        )
        values = (
            {"weight": jnp.asarray(1 / n0, kind)},
            *({} for _ in net.meta.values[1:-1]),
            {"weight": n0 * rate[:, None], "bias": rate},
        )
        still = jax.tree.map(jnp.zeros_like, eqx.filter(net, eqx.is_inexact_array))
        return eqx.tree_at(lambda whole: whole.meta.values, still, values)

    def optimiser(
        self, net: FiniteHypernetwork, rule: optax.GradientTransformation
    ) -> optax.GradientTransformation:
        """The rule with every array's step multiplied by its factor.

        Raises:
            InputError: for a rule that is not linear in the gradients.
        """
        check_linear(rule, ())
        return scaled_by(rule, self.rates(net))

    def _base_width(self, x_size: Size) -> int:
        """n_0, the fan-in of the base's head."""
        base = self.base.meta.with_out(1).parameters(x_size)
        return base[-1][0].fan_in

    def _primary(self, z: ArrayLike | Size) -> Network:
        """g, or with "both" the small network that it is at infinite width."""
        primary = self.spec.primary
        if self.widen == "meta":
            return primary
        inputs = _features(primary, _size("z", z, primary))
        return _with_hidden(primary, inputs + _dense(primary.layers[-1]).out_size(1))

    def _written(self, small: Hypernetwork, z_size: Size) -> list[_Written]:
        """What f writes, in the order of its outputs."""
        base = self.base.primary
        if self.widen == "both":
            # W_1 = Omega w_1 and W_2 = w_2 Omega^T / m, for m units and the base's m_0.
            one, two = small.generated_parameters(z_size)
            m0 = _dense(base.layers[0]).out_size(1)
            return [
                _Written(one, one.std / math.sqrt(one.fan_in), 1 / m0, 1 / m0),
                _Written(two, two.std * math.sqrt(m0), m0, 1 / m0),
            ]
        found = []
        scales = tensor_scales(small.primary, base, z_size)
        for layer, parameters, of_layer in zip(
            small.primary.layers, small.primary.parameters(z_size), scales, strict=True
        ):
            for parameter in parameters:
                if small.is_generated(layer.generated()[parameter.name]):
                    scale = of_layer[parameter.name]
                    size = parameter.std / math.sqrt(parameter.fan_in) * scale.size
                    grown = max(scale.fan_in, scale.fan_out)
                    found.append(_Written(parameter, size, scale.rate("sgd"), grown))
        return found

    def _birth(
        self, drawn: Float[Array, " p"], written: list[_Written]
    ) -> Float[Array, " p"]:
        """W_0: as drawn for g, or the identities that wide weights come down to."""
        if self.widen == "both":
            first, last = written
            units = first.parameter.shape[0]
            one = first.size * jnp.eye(*first.parameter.shape, dtype=drawn.dtype)
            rows = last.parameter.shape[0]
            two = last.size * jnp.eye(rows, units, units - rows, dtype=drawn.dtype)
            return jnp.concatenate([one.ravel(), two.ravel()])
        factors = [
            jnp.full(
                each.parameter.size,
                each.size / each.parameter.std * math.sqrt(each.parameter.fan_in),
                drawn.dtype,
            )
            for each in written
        ]
        return drawn * jnp.concatenate(factors)


def hypernetwork_limit(mup: MuP, widen: Widen = "meta") -> HypernetworkFeatureLimit:
    r"""The limit of hypernetworks in muP with a linear f, which learn features: exact.

    $h(x, z) = g(z; W_0 + H U x)$ with $U$ of n rows, trained by gradient descent in the
    parametrisation `mup`. As $n \to \infty$ it does, at any number of steps, what the
    same hypernetwork does with an f of width d, the length of x,

    $$U = \frac{\sigma_u}{\sqrt d} I,\qquad H = 0,$$

    at learning rates of its own; where H is not zero at birth (`mup.kernel`), with an f
    of a further unit for every weight that it writes. g may be anything, of any finite
    width. If g is linear with one hidden layer, $g(z) = W_2(x) W_1(x) z$, its width m
    may go to infinity as well: with k outputs and z of length c, g is then one of width
    c + k, with $W_1 = (s_1 I; 0)$ and $W_2 = (0, s_2 I)$ at birth.

    There is no such small network where f or g have an activation, or more than one
    hidden layer: neurons are then no linear functions of their birth, or meet random
    matrices again and again. `coordinate_check` and wide networks are what is left.
    `docs/feature_learning.md` derives it.

    Args:
        mup: with `rule="sgd"`, of a hypernetwork whose f is
            `mlp(depth=2, activation="identity")`. The width of f in it does not matter,
            that in its base does.
        widen: "meta", f alone, or "both", where a kernel above 0 means n -> infinity
            first.

    Cost: with P weights to write, P d numbers, or P (d + P) with a kernel above 0.

    Raises:
        InputError: for another rule, f, or, with "both", another g.

    References:
        Yang and Hu, *Feature Learning in Infinite-Width Neural Networks*, ICML 2021,
        for the limit of linear networks; that of hypernetworks follows.

    Examples:
        >>> import jax, optax, hyperlimit as hl
        >>> def describe(n):
        ...     f = hl.mlp(depth=2, width=n, activation="identity")
        ...     return hl.Hypernetwork(meta=f, primary=hl.mlp(depth=3, width=8, out=1))
        >>> mup = hl.MuP(describe(256), base=describe(16), rule="sgd", kernel=0.0)
        >>> limit = hl.hypernetwork_limit(mup)
        >>> net = limit.init(key=jax.random.key(0), x=5, z=2)
        >>> net.meta.values[0]["weight"].shape
        (5, 5)
        >>> optimiser = limit.optimiser(net, optax.sgd(0.01))
    """
    if not isinstance(mup, MuP):
        raise InputError(
            f"a {type(mup).__name__} was given: give hl.MuP(spec, base, rule='sgd'), "
            "which says what sizes and rates are."
        )
    if not isinstance(mup.spec, Hypernetwork):
        raise InputError(
            f"mup is of a {type(mup.spec).__name__}: give one of a Hypernetwork, or "
            "take linear_limit."
        )
    if mup.rule != "sgd":
        raise InputError(
            f"mup has rule={mup.rule!r}, which treats numbers one by one and has no "
            "small network as its limit: give MuP rule='sgd'."
        )
    if not _is_linear(mup.spec.meta):
        raise InputError(
            f"f has layers {_named(mup.spec.meta)}, and only linear ones of one hidden "
            "layer without biases have an exact limit: give mlp(depth=2, "
            "activation='identity')."
        )
    if widen not in ("meta", "both"):
        raise InputError(f"widen={widen!r} was given: give 'meta' or 'both'.")
    if widen == "both" and not _all_written(mup.spec):
        raise InputError(
            f"g has layers {_named(mup.spec.primary)}, and only linear ones of one "
            "hidden layer, all written by f and without biases, have an exact limit: "
            "give mlp(depth=2, activation='identity'), or widen='meta'."
        )
    assert isinstance(mup.base, Hypernetwork)
    return HypernetworkFeatureLimit(mup.spec, mup.base, mup.kernel, widen)


def _is_linear(network: Network) -> bool:
    """Whether it is two dense layers, and the identity between them if anything."""
    first, *between, last = network.layers
    return (
        isinstance(first, Dense)
        and isinstance(last, Dense)
        and first.bias_std == last.bias_std == 0
        and all(_is_identity(layer) for layer in between)
    )


def _named(network: Network) -> str:
    return ", ".join(
        repr(layer.activation)
        if isinstance(layer, Elementwise)
        else type(layer).__name__
        for layer in network.layers
    )


def _is_identity(layer: AbstractLayer) -> bool:
    return isinstance(layer, Elementwise) and layer.activation == Identity()


def _all_written(spec: Hypernetwork) -> bool:
    answers = [
        spec.is_generated(answer)
        for layer in spec.primary.layers
        for answer in layer.generated().values()
    ]
    return all(answers) and _is_linear(spec.primary)


def _with_hidden(network: Network, width: int) -> Network:
    first, *rest = network.layers
    return replace(network, layers=(replace(_dense(first), width=width), *rest))


def _dense(layer: AbstractLayer) -> Dense:
    assert isinstance(layer, Dense)
    return layer


def _size(name: str, given: ArrayLike | Size, network: Network) -> Size:
    size = input_size(name, given, network.in_size, network.inputs.rank)
    assert size is not None
    return size


def _features(network: Network, size: Size) -> int:
    features = network.inputs.out_size(size)
    assert isinstance(features, int)
    return features
