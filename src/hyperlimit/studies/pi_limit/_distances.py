"""How far networks of finite width are from the limit after the same steps."""

import jax
import numpy as np
from jaxtyping import Float

from hyperlimit.feature_learning import FinitePiNetwork, PiNetwork, pi_limit
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies.pi_limit._config import PiLimitConfig
from hyperlimit.studies.pi_limit._methods import description, outputs
from hyperlimit.studies.pi_limit._task import Examples


def distances(
    config: PiLimitConfig, train: Examples, test: Examples, reporter: Reporter
) -> Float[np.ndarray, "w s"]:
    """Root mean squares over test images, in units of the limit's own outputs."""
    birth, order, omegas = jax.random.split(jax.random.key(config.seed), 3)
    limit = pi_limit(description(config), rank=config.distance_rank)
    net = limit.init(train.x, key=birth)

    def after(net: PiNetwork | FinitePiNetwork) -> np.ndarray:
        trained, _ = net.train(
            train.x,
            train.y,
            learning_rate=config.distance_rate,
            steps=config.distance_steps,
            batch_size=config.batch,
            key=order,
        )
        return np.asarray(outputs(trained, test.x))

    wanted = after(net)
    found = np.zeros((len(config.distance_widths), config.distance_draws))
    with reporter.stage("comparing with the limit", total=found.size) as update:
        for row, width in enumerate(config.distance_widths):
            for draw in range(config.distance_draws):
                key = jax.random.fold_in(jax.random.fold_in(omegas, width), draw)
                off = after(net.sample(width, key=key)) - wanted
                found[row, draw] = np.sqrt(np.mean(off**2) / np.mean(wanted**2))
                done = row * config.distance_draws + draw + 1
                update(done, f"width {width}: {found[row, draw]:.3f}")
    return found
