"""Stochastic gradient descent of many networks on the same batches."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperlimit.studies.word2vec._examples import Batch
from hyperlimit.studies.word2vec._networks import AbstractNetwork
from hyperlimit.studies.word2vec._task import Task, task

Networks = dict[str, AbstractNetwork]


class Losses(NamedTuple):
    """Sums over the predictions of each of s batches.

    Attributes:
        sums: of the losses, by the name of the network.
        counts: how many predictions.
    """

    sums: dict[str, Float[Array, " s"]]
    counts: Int[Array, " s"]


def loss(scores: Float[Array, "b k"], given: Task) -> Float[Array, ""]:
    """-log sigmoid(f) of the words and -log sigmoid(-f) of negatives, summed."""
    signed = (1 - 2 * given.right)[None] * scores
    return jnp.sum(given.counted * jax.nn.softplus(signed))


def descended(
    network: AbstractNetwork, given: Task, rate: Float[Array, ""]
) -> AbstractNetwork:
    r"""A step down the sum of a batch's losses, whose slopes are $\sigma(f) - 1$ and
    $\sigma(f)$."""
    errors = jax.nn.sigmoid(network.scores(given)) - given.right[None]
    return network.moved(given, -rate * given.counted * errors)


@partial(jax.jit, donate_argnums=0)
def trained(networks: Networks, every: Batch) -> tuple[Networks, Losses]:
    """Takes all networks through the batches, in the memory of those given.

    The losses are those before each step.
    """

    def step(networks: Networks, batch: Batch) -> tuple[Networks, Losses]:
        given = task(batch)
        found = _losses(networks, given)
        rate = jnp.asarray(batch.rate)
        return {n: descended(m, given, rate) for n, m in networks.items()}, found

    return jax.lax.scan(step, networks, every)


@jax.jit
def losses(networks: Networks, every: Batch) -> Losses:
    """The losses of the batches without training."""

    def read(batch: Batch) -> Losses:
        return _losses(networks, task(batch))

    return jax.lax.map(read, every)


def _losses(networks: Networks, given: Task) -> Losses:
    sums = {name: loss(net.scores(given), given) for name, net in networks.items()}
    return Losses(sums, jnp.sum(given.counted[:, 0]).astype(int))
