"""Tasks as inputs: a learned table of vectors."""

from dataclasses import dataclass
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Integer, PRNGKeyArray

from hyperlimit.errors import InputError


@final
@dataclass(frozen=True)
class TaskEmbedding:
    """x is the number of a task, and the meta-network reads a learned vector of it.

    Args:
        tasks: how many tasks there are; x is 0, ..., tasks - 1.
        size: the length of a task's vector, whose entries start as N(0, 1).

    Raises:
        InputError: for either of them below one.

    Examples:
        >>> table = TaskEmbedding(tasks=5, size=10).draw(jax.random.key(0))
        >>> print(table(3).shape)
        (10,)
    """

    tasks: int
    size: int = 16

    def __post_init__(self):
        if not all(isinstance(n, int) and n >= 1 for n in (self.tasks, self.size)):
            raise InputError(
                f"tasks={self.tasks!r} and size={self.size!r} of a task embedding must "
                "be whole numbers of at least 1: give how many tasks there are."
            )

    def draw(self, key: PRNGKeyArray) -> "TaskTable":
        """The table with its values at birth."""
        return TaskTable(jax.random.normal(key, (self.tasks, self.size)))


Tasks = int | np.integer | Integer[Array, "..."] | Integer[np.ndarray, "..."]


@final
class TaskTable(eqx.Module):
    """A learned vector for each task."""

    values: Float[Array, "tasks size"]

    def __call__(
        self, task: int | Integer[Array, ""] | Integer[np.ndarray, ""] | np.integer
    ) -> Float[Array, " size"]:
        """The vector of a task.

        A number out of range is an error where its value is known, and gives NaN
        inside `jax.jit` and `jax.vmap`, where it is not.

        Raises:
            InputError: for what is not the number of a task.
        """
        tasks = len(self.values)
        kind = getattr(task, "dtype", np.dtype(type(task)))
        if jnp.shape(task) != () or not jnp.issubdtype(kind, jnp.integer):
            raise InputError(
                f"a task was expected as one integer of 0, ..., {tasks - 1}, and "
                f"{kind}{list(jnp.shape(task))} was given: jax.vmap over many, or use "
                "batch."
            )
        self.check(task)
        # A negative number would count from the end.
        number = jnp.asarray(task).astype(int)
        index = jnp.where(number < 0, tasks, number)
        return self.values.at[index].get(mode="fill", fill_value=jnp.nan)

    def check(self, numbers: Tasks) -> None:
        """Raises an InputError for a number out of range, where values are known."""
        try:
            known, tasks = np.asarray(numbers), len(self.values)
        except jax.errors.TracerArrayConversionError:
            return
        wrong = known[(known < 0) | (known >= tasks)]
        if wrong.size:
            raise InputError(
                f"task {wrong[0]} does not exist: give one of 0, ..., {tasks - 1}."
            )
