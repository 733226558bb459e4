"""The dual limit of a description, beside its finite networks."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hyperlimit.diagnosis._kernel import change
from hyperlimit.diagnosis._problem import Problem
from hyperlimit.dynamics import training_dynamics
from hyperlimit.errors import InputError
from hyperlimit.limits import dual_limit
from hyperlimit.networks import Hypernetwork


def against_limit(
    spec: Hypernetwork,
    mean: Float[np.ndarray, "n n"],
    data: Problem,
    goal: float,
) -> tuple[float, float] | None:
    """The mean kernel's distance from the limit's, and the limit's time to a loss.

    None where the description has no dual limit.
    """
    b, p = data.z.shape[:2]
    x = jnp.repeat(data.x, p, axis=0)
    z = data.z.reshape(b * p, *data.z.shape[2:])
    try:
        limit = dual_limit(spec)
        exact = np.asarray(limit.ntk((x, z)), np.float64)
    except InputError:
        return None
    targets = data.y.reshape(b * p, -1).astype(z.dtype)
    training = training_dynamics(limit, (x, z), targets)
    # Its loss is summed over outputs, ours is their mean.
    return change(exact, mean), training.time_to(goal * targets.shape[1])
