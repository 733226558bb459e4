"""A description, its 50-digit kernels, and how near the package must come."""

import dataclasses

import jax.numpy as jnp
import numpy as np

import hyperlimit as hl
from references.mp_kernels import Meta, Primary, kernels


def specification(meta: Meta, primary: Primary) -> hl.Hypernetwork:
    """The package's description of what the reference computes."""
    return hl.Hypernetwork(
        meta=hl.mlp(
            depth=meta.depth,
            width=4,
            activation=meta.activation,
            weight_std=meta.weight_std,
            bias_std=meta.bias_std,
        ),
        primary=hl.mlp(
            depth=primary.depth,
            width=4,
            out=1,
            activation=primary.activation,
            weight_std=primary.weight_std,
            bias_std=primary.bias_std,
            weights_generated=primary.generated,
            biases_generated=primary.bias_generated,
        ),
    )


@dataclasses.dataclass(frozen=True)
class Points:
    """Inputs as the arrays of this run hold them, and the pairs to be compared."""

    x: jnp.ndarray
    z: jnp.ndarray
    pairs: tuple[tuple[int, int], ...]

    @property
    def inputs(self):
        return self.x, self.z

    def exact(self, meta: Meta, primary: Primary) -> dict:
        """(NNGP, NTK) of every pair, to 50 digits."""
        x, z = np.asarray(self.x), np.asarray(self.z)
        return {
            (i, j): kernels(x[i], z[i], x[j], z[j], meta, primary)
            for i, j in self.pairs
        }


def points() -> Points:
    """Generic rows; duplicates in x, in z, in both; opposites; another length.

    Mean squares are near one: a kernel of 128 generated layers has their 64th power.
    """
    rng = np.random.default_rng(7)
    x, z = rng.standard_normal((8, 5)), rng.standard_normal((8, 3))
    lengths = rng.uniform(0.9, 1.1, (2, 8, 1))
    x, z = (
        length * rows / np.sqrt((rows**2).mean(1, keepdims=True))
        for length, rows in zip(lengths, (x, z), strict=True)
    )
    x[1] = x[0]  # equal x
    z[2] = z[0]  # equal z
    x[3], z[3] = x[0], z[0]  # equal both
    x[4] = -x[0]  # opposite x
    z[5] = -z[0]  # opposite z
    x[6], z[6] = 0.9 * x[0], 2 * z[0]  # parallel
    pairs = (*((0, k) for k in range(8)), (7, 7), (5, 4), (6, 1))
    return Points(jnp.asarray(x, float), jnp.asarray(z, float), pairs)


def worst_errors(
    limit, at: Points, meta: Meta, primary: Primary, small: float = 1e-3
) -> tuple[float, float]:
    """The largest errors of the GP kernel and of the NTK, over all pairs.

    Relative to the value; where that is below `small` times the geometric mean of its
    two diagonal entries, relative to the mean: the value is a difference there.
    """
    exact = at.exact(meta, primary)
    worst = []
    for which, found in enumerate(limit.kernels(at.inputs)):
        found = np.asarray(found, np.float64)
        # The package's own diagonal sets the scale: it is compared itself, at 0 and 7.
        size = np.sqrt(np.outer(np.diagonal(found), np.diagonal(found)))
        errors = []
        for (i, j), values in exact.items():
            value = float(values[which])
            scale = max(
                abs(value), size[i, j] if abs(value) < small * size[i, j] else 0
            )
            errors.append(abs(found[i, j] - value) / scale)
        worst.append(max(errors))
    return worst[0], worst[1]
