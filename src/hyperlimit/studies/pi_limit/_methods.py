"""Everything that classifies, each by training and test images."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from hyperlimit.errors import InputError
from hyperlimit.feature_learning import (
    FinitePiNetwork,
    PiLimit,
    PiNetwork,
    Values,
    pi_limit,
)
from hyperlimit.limits import dual_limit
from hyperlimit.networks import Network, mlp
from hyperlimit.regression import regress
from hyperlimit.studies.pi_limit._config import PiLimitConfig
from hyperlimit.studies.pi_limit._task import CLASSES, Examples, Score, score

# Images held at a time in evaluation.
_TOGETHER = 200
# Of training and test images, the number that is chosen, and a key.
Run = Callable[[Examples, Examples, float, PRNGKeyArray], Score]


class Method(NamedTuple):
    """A way to classify.

    Attributes:
        name: in tables.
        kind: a kernel, the limit, or a network's.
        width: of a network.
        numbers: learning rates or ridges to choose from.
        run: it.
    """

    name: str
    kind: str
    width: int | None
    numbers: tuple[float, ...]
    run: Run


def methods(config: PiLimitConfig) -> list[Method]:
    """All of them."""
    spec = description(config)
    limit = pi_limit(spec, rank=config.rank)
    found = [
        Method(kind.upper(), "kernel", None, config.ridges, _kernel(spec, kind))
        for kind in ("nngp", "ntk")
    ]
    rates = config.rates

    def born(x: Array, key: PRNGKeyArray) -> PiNetwork:
        return limit.init(x, key=key)

    found.append(Method("pi-limit", "limit", None, rates, _trained(config, born)))
    for width in config.pi_widths:
        run = _trained(config, _projected(limit, width))
        found.append(Method(f"pi, width {width}", "pi", width, rates, run))
    for width in config.mup_widths:
        run = _trained(config, _plain(limit, width))
        found.append(Method(f"muP, width {width}", "muP", width, rates, run))
    return found


def description(config: PiLimitConfig) -> Network:
    """The network whose limits are taken; its width does not count."""
    return mlp(depth=config.depth, width=1, out=CLASSES, bias_std=config.bias_std)


def chosen(
    method: Method, train: Examples, validation: Examples, key: PRNGKeyArray
) -> float:
    """The number that does best on validation images, by the loss."""
    if len(method.numbers) == 1:
        return method.numbers[0]
    losses = [method.run(train, validation, n, key).loss for n in method.numbers]
    return method.numbers[int(np.argmin(losses))]


def outputs(net: Callable[[Array], Array], x: Array) -> Array:
    """A network's, for many images."""
    return jax.lax.map(net, x, batch_size=_TOGETHER)


def _kernel(spec: Network, kind: str) -> Run:
    def run(train: Examples, test: Examples, ridge: float, key: PRNGKeyArray) -> Score:
        del key
        fit = regress(dual_limit(spec), train.x, train.y, ridge=ridge, kind=kind)  # ty: ignore
        return score(fit.mean(test.x), test)

    return run


def _trained(
    config: PiLimitConfig,
    born: Callable[[Array, PRNGKeyArray], PiNetwork | FinitePiNetwork],
) -> Run:
    def run(train: Examples, test: Examples, rate: float, key: PRNGKeyArray) -> Score:
        birth, order = jax.random.split(key)
        steps = config.epochs * (len(train.x) // config.batch)
        try:
            net, _ = born(train.x, birth).train(
                train.x,
                train.y,
                learning_rate=jnp.linspace(rate, 0.0, steps + 1)[:steps],
                steps=steps,
                batch_size=config.batch,
                key=order,
            )
        except InputError:
            # The loss is not finite: as good as a network that says nothing.
            return Score(1 / CLASSES, score(0 * test.y, test).loss)
        return score(outputs(net, test.x), test)

    return run


def _projected(limit: PiLimit, width: int):
    def born(x: Array, key: PRNGKeyArray) -> FinitePiNetwork:
        of_limit, of_omegas = jax.random.split(key)
        return limit.init(x, key=of_limit).sample(width, key=of_omegas)

    return born


def _plain(limit: PiLimit, width: int):
    """Independent normal weights, a readout of zeros, and no projection: muP."""

    def born(x: Array, key: PRNGKeyArray) -> FinitePiNetwork:
        depth, sizes = limit.scales.depth, [x.shape[1]]
        sizes += [width] * (limit.scales.depth - 1)
        keys = jax.random.split(key, depth)
        weights = [
            jax.random.normal(k, (width, size), x.dtype) * (1 if i == 0 else size**-0.5)
            for i, (k, size) in enumerate(zip(keys[:-1], sizes, strict=False))
        ]
        weights.append(jnp.zeros((CLASSES, width), x.dtype))
        biases = [jnp.zeros(len(weight), x.dtype) for weight in weights]
        return FinitePiNetwork(Values(tuple(weights), tuple(biases)), (), limit.scales)

    return born
