"""A finite network: a description with values."""

from collections.abc import Iterator, Mapping
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.layers import AbstractLayer, Dense, Size
from hyperlimit.networks import Network
from hyperlimit.parametrisation import parametrisation

Values = tuple[dict[str, Array], ...]


@final
class FiniteNetwork(eqx.Module):
    """A network of finite width: call it on one input, `jax.vmap` it over many.

    Attributes:
        values: for each layer, its arrays by name, without their multipliers.
        fixed: the untrained random numbers of the input features, if there are any.
    """

    values: Values
    fixed: Array | None
    spec: Network = eqx.field(static=True)
    in_size: Size = eqx.field(static=True)
    parametrisation: str = eqx.field(static=True)

    def __call__(self, inputs: Float[Array, "..."]) -> Float[Array, "..."]:
        """The outputs for one input.

        Raises:
            InputError: if the input is not a vector, or image, of `in_size`.
        """
        check_input("input", inputs, self.in_size)
        outputs = self.spec.inputs.apply(self.fixed, inputs)
        for layer, values in zip(
            self.spec.layers, self.multiplied(self.values), strict=True
        ):
            outputs = layer.apply(values, outputs)
        return outputs

    def many(self, inputs: Float[Array, "p ..."]) -> Float[Array, "p ..."]:
        """The outputs for many inputs: what `jax.vmap` of a call gives, and faster.

        Vectors go through the layers as the columns of a matrix, so that compilers
        find products of matrices, and axes where they leave them.

        Raises:
            InputError: if an input is not a vector, or image, of `in_size`.
        """
        if not isinstance(self.in_size, int):
            return jax.vmap(self)(inputs)
        check_input(
            "input", jax.ShapeDtypeStruct(inputs.shape[1:], inputs.dtype), self.in_size
        )

        def features(one: Float[Array, " d"]) -> Float[Array, " k"]:
            return self.spec.inputs.apply(self.fixed, one)

        columns = jax.vmap(features, out_axes=1)(inputs)
        for layer, values, factor in self._used():
            columns = layer.apply_columns(
                values, columns if factor == 1 else factor * columns
            )
        return columns.T

    def multiplied(self, values: Values) -> Values:
        """Values as the layers use them."""
        pairs = zip(values, self.multipliers(), strict=True)
        return tuple(
            {name: factor * given[name] for name, factor in factors.items()}
            for given, factors in pairs
        )

    def multipliers(self) -> tuple[dict[str, float], ...]:
        """What values are multiplied by before the layers use them."""
        row = parametrisation(self.parametrisation)
        return tuple(
            {parameter.name: row.multiplier(parameter) for parameter in parameters}
            for parameters in self.spec.parameters(self.in_size)
        )

    def _used(self) -> Iterator[tuple[AbstractLayer, dict[str, Array], float]]:
        """Each layer, its values, and what its inputs are multiplied by.

        For a dense layer that is the multiplier of its weights: inputs are fewer, and
        weights need not be held twice.
        """
        for layer, given, factors in zip(
            self.spec.layers, self.values, self.multipliers(), strict=True
        ):
            used, factor = dict(given), 1.0
            for name in given:
                if isinstance(layer, Dense) and name == "weight":
                    factor = factors[name]
                else:
                    used[name] = factors[name] * given[name]
            yield layer, used, factor


def draw_values(
    spec: Network,
    in_size: Size,
    name: str,
    key: Array,
    skip: tuple[frozenset[str], ...] | None = None,
    dtype: jnp.dtype | None = None,
) -> Values:
    """Random values for every parameter but those to skip, layer by layer."""
    row, found = parametrisation(name), []
    kind = jax.dtypes.canonicalize_dtype(float) if dtype is None else dtype
    for index, parameters in enumerate(spec.parameters(in_size)):
        layer_key = jax.random.fold_in(key, index)
        found.append(
            {
                parameter.name: row.initial_std(parameter)
                * jax.random.normal(
                    jax.random.fold_in(layer_key, position), parameter.shape, kind
                )
                for position, parameter in enumerate(parameters)
                if skip is None or parameter.name not in skip[index]
            }
        )
    return tuple(found)


def merged(one: Values, two: Values) -> Values:
    """Values of both, layer by layer."""

    def union(a: Mapping[str, Array], b: Mapping[str, Array]) -> dict[str, Array]:
        return {**a, **b}

    return tuple(union(a, b) for a, b in zip(one, two, strict=True))


def check_input(name: str, given: Array | jax.ShapeDtypeStruct, size: Size) -> None:
    """Raises an InputError unless `given` is one vector, or image, of a size."""
    shape = jnp.shape(given)
    expected = (size,) if isinstance(size, int) else tuple(size)
    if shape != expected:
        what = f"{size} numbers" if isinstance(size, int) else f"shape {expected}"
        raise InputError(
            f"one {name} of {what} was expected, and shape {shape} was given: "
            "jax.vmap over further axes, or use batch."
        )
