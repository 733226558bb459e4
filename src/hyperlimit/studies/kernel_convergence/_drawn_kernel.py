"""The empirical NTK of finite hypernetworks, drawn whole and differentiated."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.finite import init
from hyperlimit.networks import Hypernetwork
from hyperlimit.studies.kernel_convergence._features import Pairs

# Numbers of all gradients held at a time.
_TOGETHER = 2**22


@functools.partial(jax.jit, static_argnames=("spec", "count"))
def drawn_kernels(
    key: PRNGKeyArray, pairs: Pairs, *, spec: Hypernetwork, count: int
) -> Float[Array, "s k k"]:
    """Empirical NTKs of networks from `init`, one for each of `count` keys.

    Automatic differentiation in every weight of f and products of whole gradients:
    O(k N n) numbers a network, N being the number of generated weights.
    """
    sizes = pairs.x.shape[1], pairs.z.shape[1]

    def one(key: PRNGKeyArray) -> Float[Array, "k k"]:
        net = init(spec, key=key, x=sizes[0], z=sizes[1])

        def gradient(x: Float[Array, " dx"], z: Float[Array, " dz"]) -> Array:
            leaves = jax.tree.leaves(jax.grad(lambda net: net(x, z)[0])(net))
            return jnp.concatenate([leaf.ravel() for leaf in leaves])

        gradients = jax.vmap(gradient)(pairs.x[pairs.of], pairs.z)
        return gradients @ gradients.T

    written = sum(parameter.size for parameter in spec.generated_parameters(sizes[1]))
    layers = spec.meta.with_out(written).parameters(sizes[0])
    weights = sum(parameter.size for layer in layers for parameter in layer)
    together = _TOGETHER // (weights * len(pairs.z))
    return jax.lax.map(
        one, jax.random.split(key, count), batch_size=max(1, min(count, together))
    )
