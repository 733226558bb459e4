"""The table of initialisations of generated weights."""

import math
from dataclasses import dataclass
from typing import Literal

from hyperlimit.errors import InputError
from hyperlimit.parametrisation._generated_parameter import GeneratedParameter

# The standard deviation of what is to start near its offset without being stuck there.
SMALL = 0.1


@dataclass(frozen=True)
class Initialisation:
    r"""A generated array is $\theta(x) = \theta_0 + m\,H a(x)$ for features $a(x)$.

    With $d$ features of second moment $v$, entries of $H$ have at birth the standard
    deviation $k s / (m \sqrt{d v})$, so that $m H a$ has $k s$. For a layer of gain
    $c$ and fan $n$, in or out, $s^2$ is

    $$\frac{c}{n}\ \text{or, beside a generated bias that takes half,}\ \frac{c}{2n}
      \quad\text{for weights,}\qquad
      \frac c2,\ \ c\left(1 - \frac{n_{in}}{n_{out}}\right)\ \text{or}\ 0.01
      \quad\text{for biases.}$$

    Attributes:
        name: the key in the table.
        fan: the fan that weights are divided by.
        bias: how a generated bias is scaled: "half" the layer's variance, the "rest"
            that weights leave of it (at least 0.01), or "small", 0.01.
        offset: $\theta_0$: "none", or learned from "zero" or from the module's "own"
            values. Arrays of role "scale" always start from their own.
        kernel: $k$.
        multiplied: whether $m$ is $s / \sqrt d$, as in NTK parametrisation, or 1.
        encoded: whether inputs are read as $[\cos(\pi x / 2), \sin(\pi x / 2)]$.
        meta: the parametrisation of a meta-network that is described by layers.
    """

    name: str
    fan: Literal["in", "out"] = "in"
    bias: Literal["half", "rest", "small"] = "small"
    offset: Literal["none", "zero", "own"] = "zero"
    kernel: float = 1.0
    multiplied: bool = False
    encoded: bool = False
    meta: Literal["ntk", "standard"] = "standard"

    def std(self, parameter: GeneratedParameter) -> float:
        """The scale s of an array, before the kernel's factor."""
        if parameter.role == "scale":
            return SMALL
        if parameter.role == "bias":
            share = {
                "half": parameter.gain / 2,
                "rest": parameter.gain * (1 - parameter.fan_in / parameter.fan_out),
                "small": 0.0,
            }
            return math.sqrt(max(share[self.bias], SMALL**2))
        fan = parameter.fan_in if self.fan == "in" else parameter.fan_out
        shared = 2 if self.bias == "half" and parameter.biased else 1
        return math.sqrt(parameter.gain / (shared * fan))

    def starts_from_own(self, parameter: GeneratedParameter) -> bool:
        """Whether the offset of an array is the module's own value."""
        return self.offset == "own" or parameter.role == "scale"


INITIALISATIONS: dict[str, Initialisation] = {
    row.name: row
    for row in (
        Initialisation("ntk", offset="none", multiplied=True, meta="ntk"),
        Initialisation("standard"),
        Initialisation("hyperfan_in", bias="half"),
        Initialisation("hyperfan_out", fan="out", bias="rest"),
        Initialisation("bias_hyperinit", offset="own", kernel=0.0),
        Initialisation("mip", offset="own", kernel=SMALL, encoded=True),
    )
}


def initialisation(name: str) -> Initialisation:
    """Looks an initialisation up.

    Raises:
        InputError: if there is none of that name.

    Examples:
        >>> weight = GeneratedParameter("w", (4, 32), fan_in=32, gain=2.0)
        >>> initialisation("hyperfan_in").std(weight)
        0.25
    """
    if name not in INITIALISATIONS:
        raise InputError(
            f"initialisation={name!r} is not known: give one of "
            f"{', '.join(INITIALISATIONS)}."
        )
    return INITIALISATIONS[name]
