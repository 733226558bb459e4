"""Whether a stop is a local minimum of the narrow primary network alone."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from hyperlimit.meta_wide import MetaWideNetwork, Primaries
from hyperlimit.studies.optimisation._problem import Problem, shares

# Of Newton's method with damping, from where descent stopped.
NEWTON_STEPS = 60
# Gradients in units of loss over length of the weights, eigenvalues in units of the
# largest: double precision computes both to some 1e-15.
SMALL_GRADIENT, SMALL_EIGENVALUE = 1e-9, 1e-9
# Eigenvalues from here on are positive beyond doubt.
CLEAR_EIGENVALUE = 1e-6
# Polishing may not leave the stop: by this much of its loss.
STAYS = 0.01

_spectrum = jax.custom_batching.sequential_vmap(lambda a: jnp.linalg.eigh(a))


class Verified(NamedTuple):
    r"""All stops, (s, n) each.

    Attributes:
        share: of the image's variance that is left after polishing.
        gradient: $|\nabla \ell|\\,|V| / \ell$ after polishing.
        lowest: the smallest eigenvalue of the Hessian in units of the largest.
        critical: the gradient is zero to rounding, and polishing did not leave.
        minimum: critical, with no negative eigenvalue beyond rounding.
        strict: critical, with positive eigenvalues alone.
    """

    share: NDArray
    gradient: NDArray
    lowest: NDArray
    critical: NDArray
    minimum: NDArray
    strict: NDArray


def verify(nets: MetaWideNetwork, problem: Problem, stopped: NDArray) -> Verified:
    """Polishes every stop by Newton's method in the weights of its image, and checks.

    The loss falls apart over images, so that each is polished by itself.
    """
    weights = _all_polished(nets, problem)
    # The same networks, standing where polishing ended.
    nets = eqx.tree_at(
        lambda n: (n.initial, n.coefficients), nets, (weights, 0 * weights)
    )
    found = []
    for draw in range(len(weights)):
        net = jax.tree.map(lambda leaf, draw=draw: leaf[draw], nets)
        z, y = problem.z, problem.y
        share = shares(net.batch(z), y)
        # In units of one image's loss, which the whole is the mean of.
        slope = len(y) * net.stationarity(z, y).weights
        length = jnp.linalg.norm(net.weights, axis=1)
        curvature = net.hessian_eigenvalues(z, y)
        largest = jnp.max(jnp.abs(curvature), axis=1)
        found.append((share, slope * length / (share / 2), curvature[:, 0] / largest))
    share, gradient, lowest = (np.stack(part) for part in zip(*found, strict=True))
    stays = np.abs(share / stopped - 1) < STAYS
    critical = stays & (gradient < SMALL_GRADIENT)
    return Verified(
        share,
        gradient,
        lowest,
        critical,
        critical & (lowest > -SMALL_EIGENVALUE),
        critical & (lowest > CLEAR_EIGENVALUE),
    )


@eqx.filter_jit
def _all_polished(nets: MetaWideNetwork, problem: Problem) -> Float[Array, "s n P"]:
    def of_net(net: MetaWideNetwork) -> Array:
        primaries = net.primaries()
        return jax.vmap(lambda v, y: _polished(primaries, problem.z, v, y))(
            primaries.weights, problem.y
        )

    return eqx.filter_vmap(of_net)(nets)


def _polished(
    primaries: Primaries,
    z: Float[Array, "p dz"],
    weights: Float[Array, " P"],
    y: Float[Array, "p k"],
) -> Float[Array, " P"]:
    """Damped Newton steps that do not raise the loss, and do not climb to saddles."""

    def loss(weights: Array) -> Array:
        outputs = primaries.replaced(weights[None], primaries.own).batch(z)
        return shares(outputs, y[None])[0] / 2

    def step(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        at, damping = carry
        values, modes = _spectrum(jax.hessian(loss)(at))
        slopes = modes.T @ jax.grad(loss)(at)
        new = at - modes @ (slopes / (jnp.abs(values) + damping))
        lower = loss(new) <= loss(at)
        softer = jnp.where(damping > 1e-9, damping / 5, damping)
        return (
            jnp.where(lower, new, at),
            jnp.where(lower, softer, 4 * damping),
        ), None

    start = (weights, jnp.full((), 1e-3, weights.dtype))
    return jax.lax.scan(step, start, length=NEWTON_STEPS)[0][0]
