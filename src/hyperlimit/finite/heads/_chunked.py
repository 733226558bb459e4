"""One head for all chunks of the generated numbers."""

from dataclasses import dataclass
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.errors import InputError
from hyperlimit.finite.heads._base import (
    AbstractHead,
    AbstractHeadModule,
    Features,
    split,
)
from hyperlimit.finite.heads._linear_map import LinearMap, draw_map
from hyperlimit.parametrisation import GeneratedParameter, Initialisation

# The deviation of the phases that embeddings make: chunks are as good as independent.
SPREAD = 2.0


@final
@dataclass(frozen=True)
class Chunked(AbstractHead):
    r"""Chunk c of the generated numbers is $H\sqrt2\cos(A\,[a(x), e_c] + \varphi)$.

    The P generated numbers, one array after another, are cut into chunks of `size`;
    each has a learned embedding $e_c$ beside the features. A, phi and H are learned and
    shared by all chunks; their outputs are multiplied by the scale of each array. The
    hidden layer is what lets x act differently in each chunk: a linear map of the pair
    would only add the two. With phases uniform at birth its second moment is one
    whatever x, and numbers at the same place of chunks c and c' have the correlation

    $$\exp\left(-\tfrac{2}{e} |e_c - e_{c'}|^2\right) \approx 0.02,$$

    so that copies in different layers do not add up: with a ReLU in place of the
    cosine they do, and outputs of deeper layers are too large by a factor of two.

    Cost: $h (d + e + S) + e P / S$ numbers to train for chunks of S and h hidden units;
    h P products for each x.

    Args:
        size: S, the numbers in a chunk.
        embedding: e, the length of a chunk's embedding.
        hidden: h, the width of the hidden layer.

    Raises:
        InputError: for any of them below one.

    References:
        von Oswald, Henning, Grewe and Sacramento, *Continual Learning with
        Hypernetworks*, ICLR 2020, section 2.3.
    """

    size: int = 4096
    embedding: int = 32
    hidden: int = 128

    def __post_init__(self):
        for name in ("size", "embedding", "hidden"):
            if getattr(self, name) < 1:
                raise InputError(
                    f"{name}={getattr(self, name)} of a chunked head must be at least "
                    "1: leave it out for the default."
                )

    def draw(
        self,
        parameters: tuple[GeneratedParameter, ...],
        features: Features,
        row: Initialisation,
        key: PRNGKeyArray,
    ) -> "ChunkedHead":
        """The head with the values that a row of the table of initialisations says."""
        total = sum(parameter.size for parameter in parameters)
        size = min(self.size, total)
        keys = jax.random.split(key, 5)
        one = jnp.ones((), features.dtype)
        shape = (-(-total // size), self.embedding)
        own = Features(self.embedding, one, features.dtype)
        hidden = Features(self.hidden, one, features.dtype)
        circle = (self.hidden,), features.dtype, 0, 2 * jnp.pi
        return ChunkedHead(
            jax.random.normal(keys[0], shape, features.dtype),
            draw_map(keys[1], self.hidden, 1.0, features, row),
            draw_map(keys[2], self.hidden, SPREAD, own, row),
            jax.random.uniform(keys[3], *circle),
            draw_map(keys[4], size, 1.0, hidden, row, row.kernel),
            parameters,
            tuple(row.std(parameter) for parameter in parameters),
        )


@final
class ChunkedHead(AbstractHeadModule):
    """A chunked head with its values."""

    embeddings: Float[Array, "c e"]
    from_features: LinearMap
    from_embedding: LinearMap
    phases: Float[Array, " h"]
    outputs: LinearMap
    parameters: tuple[GeneratedParameter, ...] = eqx.field(static=True)
    stds: tuple[float, ...] = eqx.field(static=True)

    def __call__(self, features: Float[Array, " d"]) -> dict[str, Array]:
        """The arrays for one x, without their offsets."""
        shared = self.from_features(features)

        def chunk(embedding: Array) -> Array:
            hidden = jnp.cos(shared + self.from_embedding(embedding) + self.phases)
            return self.outputs(2**0.5 * hidden)

        arrays = split(jax.vmap(chunk)(self.embeddings).reshape(-1), self.parameters)
        return {
            name: std * array
            for (name, array), std in zip(arrays.items(), self.stds, strict=True)
        }
