"""Where gradient descent stops: in the meta-wide limit, and finite networks."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, Float, PyTree

from hyperlimit.finite import FiniteHypernetwork, init
from hyperlimit.meta_wide import MetaWideNetwork, half_mean_square, meta_wide_limit
from hyperlimit.networks import Hypernetwork
from hyperlimit.studies.optimisation._config import OptimisationConfig
from hyperlimit.studies.optimisation._problem import Problem, shares


def rule(config: OptimisationConfig) -> optax.GradientTransformation:
    """Momentum; the learning rate falls a thousandfold in the second half.

    Where g has kinks, descent at one rate would jump from one side to the other.
    """
    half = config.steps / 2

    def rate(count: ArrayLike) -> Array:
        late = (jnp.asarray(count).astype(float) - half) / half
        return config.learning_rate * 1e-3 ** jnp.where(late > 0, late, 0)

    return optax.sgd(rate, momentum=config.momentum)


def limit_draws(
    spec: Hypernetwork, problem: Problem, keys: Sequence[Array]
) -> MetaWideNetwork:
    """Networks of the meta-wide limit, one a key, their arrays stacked."""
    limit = meta_wide_limit(spec)
    nets = [limit.init(problem.x, key=key, z=problem.z) for key in keys]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *nets)


def descend_limit(
    nets: MetaWideNetwork, problem: Problem, config: OptimisationConfig
) -> tuple[MetaWideNetwork, Float[Array, "s n"]]:
    """All of them trained, and the shares that are left."""

    @eqx.filter_jit
    @eqx.filter_vmap
    def trained(net: MetaWideNetwork) -> tuple[MetaWideNetwork, Array]:
        net, _ = net.train(
            problem.z, problem.y, optimiser=rule(config), steps=config.steps
        )
        return net, shares(net.batch(problem.z), problem.y)

    return trained(nets)


def descend_finite(
    spec: Hypernetwork,
    problem: Problem,
    config: OptimisationConfig,
    keys: Array,
) -> tuple[Float[Array, "s n P"], Float[Array, "s n"]]:
    """The initial weights of finite networks, and the shares that training leaves."""
    x, z, y = problem
    optimiser = rule(config)

    def one(key: Array) -> tuple[Array, Array]:
        net = init(spec, key=key, x=x, z=z)
        assert isinstance(net, FiniteHypernetwork)
        weights, rest = eqx.partition(net, eqx.is_inexact_array)

        def outputs(weights: PyTree) -> Array:
            return eqx.combine(weights, rest).batch(x, z)

        def step(carry: tuple[PyTree, PyTree], _: None) -> tuple[tuple, None]:
            at, state = carry
            gradient = jax.grad(lambda w: half_mean_square(outputs(w), y))(at)
            updates, state = optimiser.update(gradient, state, at)
            return (jax.tree.map(jnp.add, at, updates), state), None

        start = (weights, optimiser.init(weights))
        (end, _), _ = jax.lax.scan(step, start, length=config.steps)
        return jax.vmap(net.meta)(x), shares(outputs(end), y)

    return jax.jit(jax.vmap(one))(keys)
