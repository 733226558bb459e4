"""Data to diagnose a network on, and a part of it that is quick to work with."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Shaped

from hyperlimit.errors import InputError

Loss = Callable[[Array, Array], Array]


class Problem(NamedTuple):
    """Targets of pairs, p points to each of b x.

    Attributes:
        x: (b, ...).
        z: (b, p, ...).
        y: (b, p, k), or whatever the loss takes, b rows of p.
    """

    x: Shaped[Array, "b ..."]
    z: Shaped[Array, "b p ..."]
    y: Shaped[Array, "b p ..."]

    def part(self, rows: int, points: int, key: Array) -> "Problem":
        """Some x, and some points of each, drawn without replacement."""
        of_x, of_z = jax.random.split(key)
        b, p = self.z.shape[:2]
        chosen = jax.random.permutation(of_x, b)[:rows]
        keys = jax.random.split(of_z, len(chosen))
        which = jax.vmap(lambda k: jax.random.permutation(k, p)[:points])(keys)
        take = jax.vmap(lambda a, i: a[i])
        return Problem(
            self.x[chosen], take(self.z[chosen], which), take(self.y[chosen], which)
        )


def problem(data: tuple[ArrayLike, ArrayLike, ArrayLike]) -> Problem:
    """Data as a user gives them: x (b, ...), z (p, ...) or (b, p, ...), y (b, p, ...).

    Raises:
        InputError: for other shapes, or numbers that are not finite.
    """
    if not isinstance(data, tuple | list) or len(data) != 3:
        raise InputError(
            f"data is a {type(data).__name__}: give (x, z, y), the inputs of the "
            "meta-network, those of the primary network, and targets."
        )
    x, z, y = (jnp.asarray(part) for part in data)
    if y.ndim == 2:
        y = y[..., None]
    shared = z.ndim >= 2 and z.shape[0] == y.shape[1:2][0] if y.ndim > 2 else False
    each = z.ndim >= 3 and z.shape[:2] == y.shape[:2]
    if x.ndim == 0 or y.ndim < 3 or len(x) != len(y) or not (each or shared):
        raise InputError(
            f"x, z and y have shapes {x.shape}, {z.shape} and {jnp.shape(data[2])}: "
            "give x (b, ...), z (p, d) or (b, p, d), and y (b, p) or (b, p, k)."
        )
    if 0 in (*x.shape, *z.shape, *y.shape):
        raise InputError(
            f"x, z and y have shapes {x.shape}, {z.shape} and {jnp.shape(data[2])}, "
            "and one of them is empty: give at least one of everything."
        )
    for name, part in (("x", x), ("z", z), ("y", y)):
        if not bool(np.isfinite(np.asarray(part)).all()):
            raise InputError(f"{name} holds numbers that are not finite: mend them.")
    if bool(jnp.all(y == y.reshape(-1)[0])):
        raise InputError(
            f"every target is {float(y.reshape(-1)[0]):.3g}, and there is nothing to "
            "learn: give targets that differ."
        )
    if not each:
        z = jnp.broadcast_to(z, (len(x), *z.shape))
    return Problem(x, z, y)


def half_mean_square(
    outputs: Float[Array, "b p k"], targets: Float[Array, "b p k"]
) -> Float[Array, ""]:
    """Half the mean square of what outputs and targets differ by."""
    return jnp.mean((outputs - targets) ** 2) / 2
