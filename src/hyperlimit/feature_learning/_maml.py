"""Meta-learning by gradients through gradient descent."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from hyperlimit.errors import InputError
from hyperlimit.feature_learning._adapted import Loss, adapted


class Tasks(NamedTuple):
    """Tasks of equal size, t of them.

    Attributes:
        inputs: what a task is learned from, (t, k, ...).
        targets: beside them, (t, k, ...).
        new_inputs: what it is tried on, (t, q, ...).
        new_targets: beside them, (t, q, ...).
    """

    inputs: Float[Array, "t k ..."]
    targets: Shaped[Array, "t k ..."]
    new_inputs: Float[Array, "t q ..."]
    new_targets: Shaped[Array, "t q ..."]


def maml_loss(
    net: Callable[..., Array],
    tasks: Tasks,
    *,
    loss: Loss,
    rate: float | Float[Array, ""],
    steps: int = 1,
    order: Literal[1, 2] = 2,
) -> Float[Array, ""]:
    r"""The mean loss on new examples of tasks, each after descent from the same module.

    $$\frac1t \sum_\tau L\big(f_{\theta_\tau}(X'_\tau), y'_\tau\big),\qquad
      \theta_\tau = \theta - \eta \nabla L(f_\theta(X_\tau), y_\tau)\ \text{, `steps`
      times.}$$

    Its gradient in the module is that of MAML, or with `order=1` of its first-order
    form, $\frac1t \sum_\tau \nabla L$ at $\theta_\tau$. Of `linear_limit` it is the
    exact infinitely wide limit of either.

    Args:
        net: any Equinox module that maps one input to its outputs.
        tasks: t of them.
        loss, rate, steps, order: as for `adapted`.

    Cost: `steps` + 1 gradients on every task; see `adapted` for memory.

    Raises:
        InputError: for tasks that are no `Tasks`, or have parts of different numbers of
            tasks, or as `adapted`.

    Examples:
        >>> import jax, jax.numpy as jnp, hyperlimit as hl
        >>> net = hl.linear_limit(2, 1)
        >>> square = lambda outputs, targets: jnp.mean((outputs - targets) ** 2) / 2
        >>> x, y = jnp.eye(2)[None], jnp.ones((1, 2, 1))
        >>> tasks = hl.feature_learning.Tasks(x, y, x, y)
        >>> print(maml_loss(net, tasks, loss=square, rate=0.5).round(4))
        0.125
    """
    if not isinstance(tasks, Tasks):
        raise InputError(
            f"tasks is a {type(tasks).__name__}: give hl.feature_learning.Tasks("
            "inputs, targets, new_inputs, new_targets)."
        )
    counts = {len(part) for part in tasks}
    if len(counts) > 1:
        raise InputError(
            f"tasks has parts of {sorted(counts)} tasks: give the same number in each."
        )

    def one(task: Tasks) -> Array:
        learned = adapted(
            net,
            task.inputs,
            task.targets,
            loss=loss,
            rate=rate,
            steps=steps,
            order=order,
        )
        return loss(jax.vmap(learned)(task.new_inputs), task.new_targets)

    return jnp.mean(jax.vmap(one)(tasks))
