"""What kernels of infinitely wide networks make of the same tasks."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.feature_learning import Tasks
from hyperlimit.limits import dual_limit
from hyperlimit.networks import mlp


class Kernel(NamedTuple):
    """Of a network with one hidden layer.

    Attributes:
        activation: of the hidden layer.
        kind: "ntk" or "nngp".
        centred: whether it reads images less the mean of those to learn from.
    """

    activation: str
    kind: str
    centred: bool = False


# By the name in the legend. A linear network's GP kernel and NTK are in proportion, and
# one regression; of inputs made otherwise none did better than centred ones.
KERNELS = {
    "linear NTK and GP": Kernel("identity", "ntk"),
    "linear NTK, centred": Kernel("identity", "ntk", centred=True),
    "ReLU NTK": Kernel("relu", "ntk"),
    "ReLU GP": Kernel("relu", "nngp"),
}
# Of the noise, in units of the mean prior variance.
_RIDGE = 1e-6
_TOGETHER = 100

_solved = jax.custom_batching.sequential_vmap(lambda a, b: jnp.linalg.solve(a, b))


@functools.partial(jax.jit, static_argnums=0)
def kernel_accuracies(
    of: Kernel, tests: Tasks, mean: Float[Array, " d"]
) -> Float[Array, " t"]:
    """The share of right answers in each task, by regression on its examples.

    The targets are 1 for the right class and 0 for others, less their mean: where
    gradient descent on the square loss takes the mean of infinitely wide networks.

    Args:
        of: which kernel.
        tests: the tasks.
        mean: of the images to learn from.
    """
    limit = dual_limit(mlp(depth=2, width=1, activation=of.activation, out=1))
    kernel = getattr(limit, of.kind)

    def one(task: Tasks) -> Array:
        ways = len(task.targets)
        targets = jax.nn.one_hot(task.targets, ways, dtype=task.inputs.dtype) - 1 / ways
        inputs, new = task.inputs, task.new_inputs
        if of.centred:
            inputs, new = inputs - mean[None], new - mean[None]
        gram = kernel(inputs)
        noise = _RIDGE * jnp.mean(jnp.diag(gram))
        weights = _solved(gram + noise * jnp.eye(len(gram)), targets)
        answers = jnp.argmax(kernel(new, inputs) @ weights, axis=1)
        return jnp.mean(answers == task.new_targets)

    return jax.lax.map(one, tests, batch_size=_TOGETHER)
