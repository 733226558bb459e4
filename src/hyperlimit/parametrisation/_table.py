"""The table of parametrisations."""

from dataclasses import dataclass

from hyperlimit.errors import InputError
from hyperlimit.parametrisation._parameter import Parameter


@dataclass(frozen=True)
class Parametrisation:
    r"""A weight of scale $\sigma$ and fan-in $n$ is used as $m w$, $w \sim N(0, s^2)$.

    $$m = \sigma^{p} n^{-a},\qquad s = \sigma^{1-p} n^{-(1/2 - a)},$$

    so that $m s = \sigma / \sqrt n$ always: parametrisations agree at birth and
    differ in how they train.

    Attributes:
        name: the key in the table.
        multiplier_exponent: $a$.
        std_in_multiplier: $p$, 0 or 1.
    """

    name: str
    multiplier_exponent: float
    std_in_multiplier: int

    def multiplier(self, parameter: Parameter) -> float:
        """The factor m of the forward pass."""
        std = parameter.std if self.std_in_multiplier else 1.0
        return std * parameter.fan_in**-self.multiplier_exponent

    def initial_std(self, parameter: Parameter) -> float:
        """The standard deviation s of the stored entries at birth."""
        std = 1.0 if self.std_in_multiplier else parameter.std
        return std * parameter.fan_in ** -(0.5 - self.multiplier_exponent)


PARAMETRISATIONS: dict[str, Parametrisation] = {
    row.name: row
    for row in (
        Parametrisation("ntk", multiplier_exponent=0.5, std_in_multiplier=1),
        Parametrisation("standard", multiplier_exponent=0.0, std_in_multiplier=0),
    )
}


def parametrisation(name: str) -> Parametrisation:
    """Looks a parametrisation up.

    Raises:
        InputError: if there is none of that name.

    Examples:
        >>> parametrisation("ntk").multiplier(Parameter("w", (4, 16), 1.0, 16))
        0.25
    """
    if name not in PARAMETRISATIONS:
        raise InputError(
            f"parametrisation={name!r} is not known: give one of "
            f"{', '.join(PARAMETRISATIONS)}."
        )
    return PARAMETRISATIONS[name]
