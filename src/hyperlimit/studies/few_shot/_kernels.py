"""What kernels of infinitely wide networks make of the same tasks."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.feature_learning import Tasks
from hyperlimit.limits import dual_limit
from hyperlimit.networks import mlp

# In the legend, by the activation of the one hidden layer and the kernel. A linear
# network's GP kernel and NTK are in proportion, and one regression.
KERNELS = {
    "linear NTK and GP": ("identity", "ntk"),
    "ReLU NTK": ("relu", "ntk"),
    "ReLU GP": ("relu", "nngp"),
}
# Of the noise, in units of the mean prior variance.
_RIDGE = 1e-6
_TOGETHER = 100


@functools.partial(jax.jit, static_argnums=(0, 1))
def kernel_accuracies(activation: str, kind: str, tests: Tasks) -> Float[Array, " t"]:
    """The share of right answers in each task, by regression on its examples.

    The targets are 1 for the right class and 0 for others, less their mean: where
    gradient descent on the square loss takes the mean of infinitely wide networks.
    """
    limit = dual_limit(mlp(depth=2, width=1, activation=activation, out=1))
    kernel = getattr(limit, kind)

    def one(task: Tasks) -> Array:
        ways = len(task.targets)
        targets = jax.nn.one_hot(task.targets, ways, dtype=task.inputs.dtype) - 1 / ways
        gram = kernel(task.inputs)
        noise = _RIDGE * jnp.mean(jnp.diag(gram))
        weights = jnp.linalg.solve(gram + noise * jnp.eye(len(gram)), targets)
        answers = jnp.argmax(kernel(task.new_inputs, task.inputs) @ weights, axis=1)
        return jnp.mean(answers == task.new_targets)

    return jax.lax.map(one, tests, batch_size=_TOGETHER)
