r"""Networks on words, finite and in their limits, at birth and after a step.

Each reads the mean of some words, $\bar x$, and says $f_w(\bar x)$ of each word w.
"""

import abc
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.studies.word2vec._task import Task


class AbstractNetwork(eqx.Module):
    """A network on v words."""

    @abc.abstractmethod
    def scores(self, given: Task) -> Float[Array, "b k"]:
        """f of the targets."""

    @abc.abstractmethod
    def moved(self, given: Task, steps: Float[Array, "b k"]) -> "AbstractNetwork":
        """The network plus the sum of `steps` times the gradients of the scores."""

    @property
    @abc.abstractmethod
    def embeddings(self) -> Float[Array, "v n"]:
        """Those of the words as inputs."""


@final
class LinearNetwork(AbstractNetwork):
    r"""One linear hidden layer of width n: $f_w(x) = m \, v_w \cdot \sum_c x_c u_c$.

    A step reads and writes those rows alone whose words occur: 1 + k of v for each
    prediction, of u hardly more than one.

    Attributes:
        inputs: u, a row for each word.
        outputs: v, likewise.
        scale: m.
    """

    inputs: Float[Array, "v n"]
    outputs: Float[Array, "v n"]
    scale: float = eqx.field(static=True, default=1.0)

    def scores(self, given: Task) -> Float[Array, "b k"]:
        """f of the targets."""
        asked = self.outputs[given.targets]
        return self.scale * jnp.einsum("bkn,bn->bk", asked, self._hidden(given))

    def moved(self, given: Task, steps: Float[Array, "b k"]) -> "LinearNetwork":
        r"""Both embeddings at once.

        $v_w$ by $m \sum_{b,k:w} s_{bk} h_b$, with h the hidden layer, and $u_c$ by
        $m \sum_b \bar x_{bc} \sum_k s_{bk} v_{w(b,k)}$.
        """
        factors = self.scale * steps
        changes = factors[:, :, None] * self._hidden(given)[:, None, :]
        pulled = jnp.einsum("bk,bkn->bn", factors, self.outputs[given.targets])
        return LinearNetwork(
            self.inputs.at[given.sources].add(given.mixing.T @ pulled),
            self.outputs.at[given.targets].add(changes),
            self.scale,
        )

    def _hidden(self, given: Task) -> Float[Array, "b n"]:
        return given.mixing @ self.inputs[given.sources]

    @property
    def embeddings(self) -> Float[Array, "v n"]:
        """u."""
        return self.inputs


@final
class KernelLimit(AbstractNetwork):
    r"""A linear network of infinite width in NTK parametrisation.

    Its kernel, $r \, x \cdot x'$ for one output and 0 between two, does not move, with
    r how many of its layers are trained: f is linear in x, and its values at single
    words are all that there is of it. The input embeddings stay at right angles.

    Attributes:
        values: f of each word (column) at each alone (row); N(0, 1) at birth.
        layers: r.
    """

    values: Float[Array, "v v"]
    layers: int = eqx.field(static=True)

    def scores(self, given: Task) -> Float[Array, "b k"]:
        """f of the targets."""
        every = given.mixing @ self.values[given.sources]
        return jnp.take_along_axis(every, given.targets, axis=1)

    def moved(self, given: Task, steps: Float[Array, "b k"]) -> "KernelLimit":
        """The values by the kernel times the steps."""
        size, words = len(steps), len(self.values)
        rows = jnp.arange(size, dtype=given.targets.dtype)[:, None]
        every = jnp.zeros((size, words), steps.dtype)
        every = every.at[rows, given.targets].add(self.layers * steps)
        changes = given.mixing.T @ every
        return KernelLimit(self.values.at[given.sources].add(changes), self.layers)

    @property
    def embeddings(self) -> Float[Array, "v v"]:
        """Any that are at right angles."""
        return jnp.eye(len(self.values))


def mup(key: PRNGKeyArray, words: int, width: int) -> LinearNetwork:
    """In muP: input embeddings of variance 1/n, output embeddings zero."""
    birth = jax.random.normal(key, (words, width)) / width**0.5
    return LinearNetwork(birth, jnp.zeros((words, width)))


def mup_limit(words: int) -> LinearNetwork:
    """muP at infinite width: the identity as input embeddings, outputs zero.

    As long as outputs start at zero, all that training makes of u and v is in the span
    of the u at birth, and at infinite width these are at right angles and of length 1.
    Source: G. Yang and E. J. Hu, *Feature Learning in Infinite-Width Neural Networks*,
    ICML 2021; `docs/studies.md` derives it.
    """
    return LinearNetwork(jnp.eye(words), jnp.zeros((words, words)))


def ntk(key: PRNGKeyArray, words: int, width: int) -> LinearNetwork:
    """In NTK parametrisation: unit variances, f divided by sqrt(n)."""
    births = (jax.random.normal(k, (words, width)) for k in jax.random.split(key))
    return LinearNetwork(*births, scale=width**-0.5)


def kernel_limit(key: PRNGKeyArray, words: int, layers: int) -> KernelLimit:
    """NTK parametrisation at infinite width; its last layer alone for `layers` 1."""
    return KernelLimit(jax.random.normal(key, (words, words)), layers)
