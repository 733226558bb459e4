"""How much a network changed: activations, generated weights, outputs."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.finite import FiniteHypernetwork, FiniteNetwork

# Spectral norms of generated matrices are taken for as many x, at most.
MATRICES = 4


def layer_outputs(net: FiniteNetwork, inputs: Float[Array, "..."]) -> list[Array]:
    """What every layer that has arrays gives, first to last, for one input."""
    outputs, found = net.spec.inputs.apply(net.fixed, inputs), []
    multiplied = net.multiplied(net.values)
    for layer, values in zip(net.spec.layers, multiplied, strict=True):
        outputs = layer.apply(values, outputs)
        if values:
            found.append(outputs)
    return found


def changes(
    before: FiniteHypernetwork | FiniteNetwork,
    after: FiniteHypernetwork | FiniteNetwork,
    x: Float[Array, "b ..."],
    z: Float[Array, "p dz"] | None,
) -> dict[str, Float[Array, ""]]:
    r"""Sizes of the difference of two networks, by name.

    Activations: the root mean square of their entries, over all inputs. Generated
    arrays with a fan-in: $\|W\|_2 \sqrt{\text{fan in} / \text{fan out}}$, as W is used,
    which is how much it changes what it is multiplied with; others: of their entries.
    """
    if isinstance(before, FiniteNetwork):
        assert isinstance(after, FiniteNetwork)
        return _activations("layer", before, after, x)
    assert isinstance(after, FiniteHypernetwork)
    found = _activations("f, layer", before.meta, after.meta, x)
    # What the last layer of f gives are the weights, which are measured as such.
    found.popitem()
    found |= _weights(before, after, x[:MATRICES])

    def outputs(net: FiniteHypernetwork) -> list[Array]:
        return jax.vmap(
            lambda one: jax.vmap(lambda at: layer_outputs(net.primary(one), at))(z)
        )(x)

    return found | _named("g, layer", outputs(before), outputs(after))


def _activations(
    name: str, before: FiniteNetwork, after: FiniteNetwork, x: Float[Array, "b ..."]
) -> dict[str, Float[Array, ""]]:
    old, new = (
        jax.vmap(lambda one: layer_outputs(net, one))(x)  # noqa: B023
        for net in (before, after)
    )
    return _named(name, old, new)


def _weights(
    before: FiniteHypernetwork, after: FiniteHypernetwork, x: Float[Array, "b ..."]
) -> dict[str, Float[Array, ""]]:
    found, level = {}, 0
    spec, size = before.spec, before.z_size
    old, new = (
        jax.vmap(lambda one: _used(net, one))(x)  # noqa: B023
        for net in (before, after)
    )
    for layer, parameters, was, now in zip(
        spec.primary.layers, spec.primary.parameters(size), old, new, strict=True
    ):
        level += bool(parameters)
        for parameter in parameters:
            if not spec.is_generated(layer.generated()[parameter.name]):
                continue
            change = now[parameter.name] - was[parameter.name]
            name = f"{parameter.name} {level} of g"
            if change.ndim == 3:
                norms = _spectral_norms(change)
                found[name] = _rms(norms) * math.sqrt(change.shape[2] / change.shape[1])
            else:
                found[name] = _rms(change)
    return found


def _used(net: FiniteHypernetwork, x: Float[Array, "..."]) -> tuple[dict, ...]:
    """The weights of g, with their multipliers."""
    primary = net.primary(x)
    return primary.multiplied(primary.values)


def _spectral_norms(matrices: Float[Array, "b o i"]) -> Float[Array, " b"]:
    # LAPACK complains, on the terminal, of what is not finite.
    finite = jnp.isfinite(matrices).all((1, 2), keepdims=True)
    norms = jax.lax.map(
        lambda matrix: jnp.linalg.norm(matrix, ord=2), jnp.where(finite, matrices, 0)
    )
    return jnp.where(finite[:, 0, 0], norms, jnp.nan)


def _named(name: str, old: list[Array], new: list[Array]) -> dict[str, Array]:
    return {
        f"{name} {level}": _rms(now - was)
        for level, (was, now) in enumerate(zip(old, new, strict=True), start=1)
    }


def _rms(array: Array) -> Float[Array, ""]:
    return jnp.sqrt(jnp.mean(array**2))
