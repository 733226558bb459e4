"""What a parametrisation of a plain network does as the width grows."""

from dataclasses import dataclass
from typing import Literal, final

from hyperlimit.widths._abc import ABC, Number
from hyperlimit.widths._condition import EQUAL, Condition

Regime = Literal["feature learning", "kernel", "trivial", "unstable"]


@final
@dataclass(frozen=True)
class Classification:
    r"""What a parametrisation does as $n \to \infty$. Print it for the reasons.

    Attributes:
        r: the last hidden features change by $\Theta(n^{-r})$ in a step.
        layer_r: what the weights of each hidden layer contribute: $r = \min_l r_l$.
        conditions: the inequalities that decide, with their values.
        regime: "feature learning" if r = 0, "kernel" if r > 0, "trivial" if outputs
            do not move, "unstable" if something grows without bound.
        kernel_layers: in the kernel regime, whether each layer of weights, the last
            included, has a term in the kernel; empty in others.
    """

    r: Number
    layer_r: tuple[Number, ...]
    conditions: tuple[Condition, ...]
    regime: Regime
    kernel_layers: tuple[bool, ...] = ()

    @property
    def stable(self) -> bool:
        """Whether activations and outputs stay bounded, at birth and in training."""
        return all(row.holds for row in self.conditions if row.limits)

    @property
    def nontrivial(self) -> bool:
        """Whether outputs move at all."""
        return any(row.holds for row in self.conditions if not row.limits)

    def __str__(self) -> str:
        head = f"{self.regime} (r = {self.r:g})"
        return "\n".join((head, *(f"  {row}" for row in self.conditions)))


def classify_abc(given: ABC) -> Classification:
    """The classification of `classify` for a plain network."""
    sizes, rates, last = given.sizes, given.rates, given.hidden_layers
    if given.rule == "sgd":
        # Gradients in the last features are as large as what reads them is, or becomes.
        gradient = min(sizes[last], rates[last])
        layer_r = tuple(
            rate + gradient - (level > 0) for level, rate in enumerate(rates[:last])
        )
    else:
        layer_r = tuple(rate - (level > 0) for level, rate in enumerate(rates[:last]))
    r = min(layer_r)
    through_features = sizes[last] + r
    conditions = (
        *(_birth(level, size) for level, size in enumerate(sizes[:last])),
        Condition("outputs at birth", "s_out", sizes[last], 0.5, ">="),
        Condition("features in training", "r", r, 0, ">="),
        Condition("outputs by the last layer's weights", "g_out", rates[last], 1, ">="),
        Condition("outputs by features", "s_out + r", through_features, 1, ">="),
        Condition(
            "outputs move by the last layer's weights",
            "g_out",
            rates[last],
            1,
            "=",
            limits=False,
        ),
        Condition(
            "outputs move by features",
            "s_out + r",
            through_features,
            1,
            "=",
            limits=False,
        ),
    )
    found = Classification(r, layer_r, conditions, "unstable")
    if not found.stable:
        return found
    if not found.nontrivial:
        return Classification(r, layer_r, conditions, "trivial")
    if r < EQUAL:
        return Classification(r, layer_r, conditions, "feature learning")
    terms = (
        *(abs(sizes[last] + each - 1) < EQUAL for each in layer_r),
        abs(rates[last] - 1) < EQUAL,
    )
    return Classification(r, layer_r, conditions, "kernel", terms)


def _birth(level: int, size: Number) -> Condition:
    if level == 0:
        return Condition("first activations at birth", "s", size, 0, "=")
    what = f"activations of layer {level + 1} at birth"
    return Condition(what, "s", size, 0.5, "=")
