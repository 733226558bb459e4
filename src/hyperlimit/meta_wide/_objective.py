"""A loss on data as a function of what is trained."""

from collections.abc import Callable
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from hyperlimit.errors import InputError
from hyperlimit.finite import Values
from hyperlimit.meta_wide._primaries import Primaries
from hyperlimit.meta_wide._trainable import Trainable

Loss = Callable[[Array, Array], Array]


def half_mean_square(
    outputs: Float[Array, "b p k"], targets: Float[Array, "b p k"]
) -> Float[Array, ""]:
    """Half the mean square of what outputs and targets differ by.

    Raises:
        InputError: for targets of another shape than the outputs.
    """
    if outputs.shape != targets.shape:
        raise InputError(
            f"y has shape {targets.shape} and the outputs have {outputs.shape}: give "
            "one target for each output, or a loss= that takes such y."
        )
    return jnp.mean((outputs - targets) ** 2) / 2


@final
class Objective(eqx.Module):
    """A loss on data: call it on what is trained for the value and the gradient.

    Attributes:
        read: the primary networks of all x, or of some rows, for a Trainable.
        loss: outputs (b, p, k) and targets to a scalar.

    Raises:
        InputError: for targets of another number of rows, or a loss that is no scalar.
    """

    read: Callable[..., Primaries]
    z: Float[Array, "p dz"] | Float[Array, "n p dz"]
    y: Shaped[Array, "n ..."]
    loss: Loss = eqx.field(static=True)

    def __call__(
        self, at: Trainable, rows: Int[Array, " b"] | None = None
    ) -> tuple[Float[Array, ""], Trainable]:
        r"""The loss on all x, or on some rows, and its gradient.

        For the coefficients that is $\partial L / \partial V$, (n, P), with zeros
        outside of the rows: what multiplies $J^T$ in the gradient of w.
        """
        primaries = self.read(at, rows)

        def value(weights: Array, own: Values) -> Array:
            return self.value(primaries.replaced(weights, own), rows)

        found, (weights, own) = jax.value_and_grad(value, argnums=(0, 1))(
            primaries.weights, primaries.own
        )
        if rows is not None:
            weights = jnp.zeros_like(at.coefficients).at[rows].add(weights)
        return found, Trainable(weights, own)

    def value(
        self, primaries: Primaries, rows: Int[Array, " b"] | None = None
    ) -> Float[Array, ""]:
        """The loss of primary networks, those of some rows if they are given."""
        count = len(primaries.weights)
        if rows is None and (self.y.ndim == 0 or len(self.y) != count):
            raise InputError(
                f"y has shape {self.y.shape} for {count} rows of x: give one row of "
                "targets for each x, (n, p, k)."
            )
        z, y = self.z, self.y
        if rows is not None:
            z, y = z if z.ndim == 2 else z[rows], y[rows]
        value = self.loss(primaries.batch(z), y)
        if jnp.shape(value) != ():
            raise InputError(
                f"the loss has shape {jnp.shape(value)}: give a loss= that returns a "
                "scalar, the mean over x say."
            )
        return value
