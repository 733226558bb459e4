"""Parametrisations of hypernetworks by exponents, as data."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, final

from hyperlimit.errors import InputError
from hyperlimit.layers import Dense, layers_inside
from hyperlimit.networks import Hypernetwork
from hyperlimit.widths._abc import ABC, Exponents, Number, Rule, abc, check_rule

Widen = Literal["both", "meta", "primary"]
# Which of n and m grow, as powers of the width.
_GROWTH: dict[Widen, tuple[int, int]] = {
    "both": (1, 1),
    "meta": (1, 0),
    "primary": (0, 1),
}


class Scale(NamedTuple):
    r"""Entries of deviation $k^{-size}$ at birth and learning rate $k^{-rate}$."""

    size: Number
    rate: Number


class WrittenLayer(NamedTuple):
    r"""How weights of a layer of g come about: $W(x) = W_0 + H \phi(x)$.

    Attributes:
        head: of H, or None for weights that g keeps for itself.
        offset: of $W_0$, or of the weights that g keeps; None for $W_0 = 0$.
    """

    head: Scale | None
    offset: Scale | None


@final
@dataclass(frozen=True)
class HypernetworkABC:
    r"""Sizes and learning rates in a hypernetwork, as exponents of a width k.

    $n = k^\alpha$ is the width of f and $m = k^\beta$ that of g. Multipliers are moved
    into sizes and rates, as in `ABC`.

    Attributes:
        meta: of the weights of f below its head, first to last.
        primary: of the layers of g, first to last.
        alpha, beta: how n and m grow.
        rule: "sgd" or "adam".
        name: in the table, or empty.
    """

    meta: tuple[Scale, ...]
    primary: tuple[WrittenLayer, ...]
    alpha: Number
    beta: Number
    rule: Rule = "sgd"
    name: str = ""

    def __post_init__(self):
        check_rule(self.rule)
        if self.alpha < 0 or self.beta < 0 or self.alpha + self.beta == 0:
            raise InputError(
                f"alpha={self.alpha} and beta={self.beta} were given: neither may be "
                "negative, and one must be positive."
            )
        if len(self.primary) < 2:
            raise InputError(
                f"g of {len(self.primary)} layers has no hidden layer: give 2 or more."
            )


def hypernetwork_abc(
    spec: Hypernetwork, name: str, widen: Widen = "both", rule: Rule = "sgd"
) -> HypernetworkABC:
    r"""The exponents of a named parametrisation of a hypernetwork of dense layers.

    "standard" and "ntk" are those of `hl.init`, at one learning rate for all. "mup" is
    that of `MuP`.

    Raises:
        InputError: for an unknown name or `widen`, f or g with layers of weights other
            than dense ones, or g without a hidden layer.
    """
    check_rule(rule)
    if widen not in _GROWTH:
        raise InputError(
            f"widen={widen!r} was given: give 'both', 'meta' or 'primary'."
        )
    if name not in ("standard", "ntk", "mup"):
        raise InputError(
            f"name={name!r} is not known: give 'standard', 'ntk' or 'mup'."
        )
    _check_dense(spec)
    alpha, beta = _GROWTH[widen]
    depth = spec.meta.dense_layers
    # A head alone is the last layer of a network with one hidden layer, its inputs.
    f = _powers(abc(max(depth - 1, 1), name, rule=rule), alpha)
    g = _powers(abc(spec.primary.dense_layers - 1, name, rule=rule), beta)
    written = []
    dense = [layer for layer in spec.primary.layers if isinstance(layer, Dense)]
    for level, layer in enumerate(dense):
        own = g[level]
        if not spec.is_generated(layer.weights_generated):
            written.append(WrittenLayer(None, own))
        elif name == "mup":
            grows = beta > 0
            share = max(0.0, alpha - (beta if grows else 0)) / 2
            head = Scale(own.size + alpha / 2 + share, own.rate + alpha)
            written.append(WrittenLayer(head, own))
        else:
            # A row of the head has a fan-in of n besides, in the same parametrisation.
            head = Scale(own.size + f[-1].size, own.rate + f[-1].rate)
            written.append(WrittenLayer(head, None))
    return HypernetworkABC(f[: depth - 1], tuple(written), alpha, beta, rule, name)


def _powers(given: ABC, growth: int) -> tuple[Scale, ...]:
    def times(exponents: Exponents) -> Exponents:
        return tuple(growth * each for each in exponents)

    pairs = zip(times(given.sizes), times(given.rates), strict=True)
    return tuple(Scale(size, rate) for size, rate in pairs)


def _check_dense(spec: Hypernetwork) -> None:
    for name, network in (("meta", spec.meta), ("primary", spec.primary)):
        for layer in network.layers:
            nested = len(tuple(layers_inside((layer,)))) > 1
            if nested or (not isinstance(layer, Dense) and layer.generated()):
                raise InputError(
                    f"the {name} network has the layer {layer!r}: sizes of updates are "
                    "counted through dense layers only, so measure them with "
                    "coordinate_check."
                )
    if spec.primary.dense_layers < 2:
        raise InputError(
            "the primary network has no hidden layer, so no width: give it a depth of "
            "2 or more."
        )
