"""Networks of one width trained at many learning rates."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.finite import FiniteHypernetwork, init
from hyperlimit.studies.width_transfer._config import WidthTransferConfig
from hyperlimit.studies.width_transfer._task import HalvesOfDigits
from hyperlimit.widths import MuP

# The loss of a run is the mean over this share of its steps, the last ones.
_END = 0.1


def final_losses(
    config: WidthTransferConfig,
    task: HalvesOfDigits,
    multiple: int,
    parametrisation: str,
    key: PRNGKeyArray,
) -> Float[np.ndarray, "r s"]:
    """Training losses at the end, for every rate and seed, over the mean image's.

    The rate falls to zero in a line over the run. What diverged is not a number.
    """
    spec = config.at(multiple)
    mup = MuP(spec, config.at(1), "adam")
    last = max(1, round(_END * config.steps))

    def build(key: Array) -> FiniteHypernetwork:
        if parametrisation == "mup":
            net = mup.init(key=key, x=task.x, z=task.z)
        else:
            net = init(
                spec, key=key, x=task.x, z=task.z, parametrisation=parametrisation
            )
        assert isinstance(net, FiniteHypernetwork)
        return net

    @jax.jit
    def run(key: Array, rate: Array) -> Float[Array, ""]:
        birth, orders = jax.random.split(key)
        net = build(birth)
        arrays, rest = eqx.partition(net, eqx.is_inexact_array)
        optimiser = optax.adam(optax.linear_schedule(rate, 0.0, config.steps))
        if parametrisation == "mup":
            optimiser = mup.optimiser(net, optimiser)

        def loss(arrays: FiniteHypernetwork, rows: Array) -> Float[Array, ""]:
            outputs = eqx.combine(arrays, rest).batch(task.x[rows], task.z)[..., 0]
            return jnp.mean((outputs - task.y[rows]) ** 2)

        def step(carry, key):
            arrays, state = carry
            rows = jax.random.randint(key, (config.batch,), 0, len(task.x))
            value, grads = jax.value_and_grad(loss)(arrays, rows)
            steps, state = optimiser.update(grads, state, arrays)
            return (optax.apply_updates(arrays, steps), state), value

        start = (arrays, optimiser.init(arrays))
        _, losses = jax.lax.scan(step, start, jax.random.split(orders, config.steps))
        return jnp.mean(losses[-last:])

    keys = jax.random.split(key, config.seeds)
    return (
        np.array(
            [
                [float(run(one, jnp.asarray(2.0**power, float))) for one in keys]
                for power in config.log_rates
            ]
        )
        / task.variance
    )
