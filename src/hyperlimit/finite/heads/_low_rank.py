"""Generated matrices as products of two generated factors."""

import math
from dataclasses import dataclass
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.errors import InputError
from hyperlimit.finite.heads._base import AbstractHead, AbstractHeadModule, Features
from hyperlimit.finite.heads._linear_map import LinearMap, draw_map
from hyperlimit.parametrisation import GeneratedParameter, Initialisation


@final
@dataclass(frozen=True)
class LowRank(AbstractHead):
    r"""$W(x) = U(x) V(x)^T$ for every generated weight; vectors directly.

    U is $n_{out} \times r$ and V is $n \times r$, n being the product of the other
    axes. Entries of U and V have standard deviation $\sqrt{s}\, r^{-1/4}$ at birth, so
    that those of W have s. Where the row's kernel factor k is not one it is U's alone:
    with k = 0, W starts at its offset and V does not, so that both can be trained. A
    weight that has no more numbers than its factors is generated directly.

    Cost: $r (n_{out} + n) d$ numbers to train for each weight.

    Args:
        rank: r, at least one.

    Raises:
        InputError: for a rank below one.

    References:
        Hu et al., *LoRA: Low-Rank Adaptation of Large Language Models*, ICLR 2022, for
        U starting at zero.
    """

    rank: int = 4

    def __post_init__(self):
        if self.rank < 1:
            raise InputError(f"rank={self.rank} is not a rank: give at least 1.")

    def draw(
        self,
        parameters: tuple[GeneratedParameter, ...],
        features: Features,
        row: Initialisation,
        key: PRNGKeyArray,
    ) -> "LowRankHead":
        """The head with the values that a row of the table of initialisations says."""
        maps = {}
        for index, parameter in enumerate(parameters):
            one, two = jax.random.split(jax.random.fold_in(key, index))
            std = row.std(parameter)
            if not self.factored(parameter):
                maps[parameter.name] = (
                    draw_map(one, parameter.size, std, features, row, row.kernel),
                )
                continue
            rows, columns = matrix_shape(parameter)
            half = math.sqrt(std) * self.rank**-0.25
            maps[parameter.name] = (
                draw_map(one, rows * self.rank, half, features, row, row.kernel),
                draw_map(two, columns * self.rank, half, features, row),
            )
        return LowRankHead(maps, parameters, self.rank)

    def factored(self, parameter: GeneratedParameter) -> bool:
        """Whether an array is generated as a product."""
        if parameter.role != "weight":
            return False
        return self.rank * sum(matrix_shape(parameter)) < parameter.size


@final
class LowRankHead(AbstractHeadModule):
    """A low-rank head with its values: one map, or those of U and V, by name."""

    maps: dict[str, tuple[LinearMap, ...]]
    parameters: tuple[GeneratedParameter, ...] = eqx.field(static=True)
    rank: int = eqx.field(static=True)

    def __call__(self, features: Float[Array, " d"]) -> dict[str, Array]:
        """The arrays for one x, without their offsets."""
        found = {}
        for parameter in self.parameters:
            outputs = [one(features) for one in self.maps[parameter.name]]
            if len(outputs) == 2:
                u, v = (flat.reshape(-1, self.rank) for flat in outputs)
                outputs = [jnp.matmul(u, v.T)]
            found[parameter.name] = outputs[0].reshape(parameter.shape)
        return found


def matrix_shape(parameter: GeneratedParameter) -> tuple[int, int]:
    """The shape of a weight as a matrix: its first axis and all others."""
    rows = parameter.shape[0] if parameter.shape else 1
    return rows, parameter.size // max(rows, 1)
