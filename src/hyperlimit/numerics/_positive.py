"""A positive number in a description, known only where a compiled function runs."""

from typing import Any, final

from jaxtyping import Array, Float


@final
class Positive:
    """Stands for a float in a description, and is differentiated in its place.

    Layers ask of their numbers whether they are zero, which says what parameters there
    are, and whether two layers are equal. It answers both without a value: it is
    above zero, and equal to itself alone. Anything else that would need the value
    raises a TypeError: no gradient is lost in silence.
    """

    def __init__(self, value: Float[Array, ""]):
        self.value = value

    def __jax_array__(self) -> Float[Array, ""]:
        return self.value

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __gt__(self, other: Any) -> bool:
        return self._beside_zero(other)

    def __ge__(self, other: Any) -> bool:
        return self._beside_zero(other)

    def __mul__(self, other: Any) -> Array:
        return self.value * other

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Array:
        return self.value / other

    def __rtruediv__(self, other: Any) -> Array:
        return other / self.value

    def __pow__(self, power: int) -> Array:
        return self.value**power

    @staticmethod
    def _beside_zero(other: Any) -> bool:
        if isinstance(other, int | float) and other == 0:
            return True
        raise TypeError(f"a positive number without a value was compared with {other}")
