"""A network of finite width whose updates are projected."""

from typing import NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from hyperlimit.feature_learning._pi_batches import (
    batches_of,
    check_losses,
)
from hyperlimit.feature_learning._pi_loss import Loss, clipping, half_mean_square
from hyperlimit.feature_learning._pi_rows import Rows
from hyperlimit.feature_learning._pi_scales import Scales
from hyperlimit.finite import check_key


class Values(NamedTuple):
    """What is trained: weights (out, in) and biases of every layer."""

    weights: tuple[Float[Array, "_ _"], ...]
    biases: tuple[Float[Array, " _"], ...]


@final
class FinitePiNetwork(eqx.Module):
    r"""A network of rectifiers of width n in muP, with projected gradient descent.

    $$h^{l+1} = \sigma_w W \phi(h^l) + \sigma_b \beta,\qquad
      W \leftarrow W - \eta_l\, \Pi^{l+1}\, \nabla_W L,\qquad
      \Pi = \Omega (\Omega^T \Omega)^{-1} \Omega^T,$$

    with $\eta_l = n \eta$ for the first layer and all hidden biases, $\eta$ for the
    other hidden weights and $\eta / n$ for the readout, which is not projected.
    It is written from this definition; `PiNetwork` is its limit.

    Attributes:
        values: weights and biases.
        omegas: $\Omega^l$ (n, r) of every hidden layer. None at all: nothing is
            projected, which is plain gradient descent in muP.
    """

    values: Values
    omegas: tuple[Float[Array, "n r"], ...]
    scales: Scales = eqx.field(static=True)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        """The outputs for one input."""
        return _outputs(self.values, self.scales, x)

    def train(
        self,
        x: Float[Array, "n d"],
        y: Shaped[Array, "n ..."],
        *,
        learning_rate: float | Float[Array, " steps"],
        steps: int,
        batch_size: int,
        key: PRNGKeyArray | Array,
        loss: Loss = half_mean_square,
        clip: float | None = None,
    ) -> tuple["FinitePiNetwork", Float[np.ndarray, " steps"]]:
        """The network after steps on batches: the same ones as `PiNetwork.train`."""
        batches = batches_of(len(x), len(y), steps, batch_size, check_key(key))
        rates = jnp.broadcast_to(jnp.asarray(learning_rate, float), (steps,))
        net, losses = _descended(self, x, y, jnp.asarray(batches), rates, loss, clip)
        found = np.asarray(losses, float)
        check_losses(found, 0)
        return net, found

    @eqx.filter_jit
    def step(
        self,
        x: Float[Array, "b d"],
        y: Shaped[Array, "b ..."],
        *,
        learning_rate: float | Float[Array, ""],
        loss: Loss = half_mean_square,
        clip: float | None = None,
    ) -> tuple["FinitePiNetwork", Float[Array, ""]]:
        """The network after a step, and the loss before it: as `PiNetwork.step`."""

        def value(values: Values) -> Array:
            outputs = jax.vmap(lambda row: _outputs(values, self.scales, row))(x)
            return loss(outputs, y)

        before, gradient = jax.value_and_grad(value)(self.values)
        projected = self._projected(gradient)
        square = sum(
            rate * jnp.sum(part**2)
            for rate, part in zip(
                jax.tree.leaves(self._rates(ones=True)),
                jax.tree.leaves(projected),
                strict=True,
            )
        )
        factor = clipping(jnp.asarray(square), clip)
        values = jax.tree.map(
            lambda value, rate, part: (
                value - (learning_rate * factor * rate * part).astype(value.dtype)
            ),
            self.values,
            self._rates(ones=False),
            projected,
        )
        return FinitePiNetwork(values, self.omegas, self.scales), before

    def _projected(self, gradient: Values) -> Values:
        def onto(part: Array, level: int) -> Array:
            last = level == self.scales.depth - 1
            if last or part.size == 0 or not self.omegas:
                return part
            omega = self.omegas[level]
            return _projected_onto(omega, part)

        return Values(
            tuple(onto(part, level) for level, part in enumerate(gradient.weights)),
            tuple(
                onto(part[:, None], level)[:, 0]
                for level, part in enumerate(gradient.biases)
            ),
        )

    def _rates(self, ones: bool) -> Values:
        """By how much each layer's rate is larger than the learning rate."""
        n, depth = float(len(self.values.weights[0])), self.scales.depth
        own = (1.0,) * depth if ones else self.scales.rates
        weights = [n] + [1.0] * (depth - 2) + [1 / n]
        biases = [n] * (depth - 1) + [1.0]
        return Values(
            tuple(a * b for a, b in zip(weights, own, strict=True)),  # ty: ignore
            tuple(a * b for a, b in zip(biases, own, strict=True)),  # ty: ignore
        )


@eqx.filter_jit
def _descended(
    net: FinitePiNetwork,
    x: Array,
    y: Array,
    batches: Int[Array, "s b"],
    rates: Float[Array, " s"],
    loss: Loss,
    clip: float | None,
) -> tuple[FinitePiNetwork, Float[Array, " s"]]:
    def step(net: FinitePiNetwork, given: tuple[Array, Array]):
        rows, rate = given
        return net.step(x[rows], y[rows], learning_rate=rate, loss=loss, clip=clip)

    return jax.lax.scan(step, net, (batches, rates))


def _outputs(values: Values, scales: Scales, x: Array) -> Array:
    h = x
    for level, (weight, bias) in enumerate(zip(*values, strict=True)):
        if level == 0:
            h = scales.weight_stds[0] / x.shape[0] ** 0.5 * (weight @ x)
        else:
            h = scales.weight_stds[level] * (
                weight @ (scales.gains[level - 1] * jax.nn.relu(h))
            )
        if scales.bias_stds[level] > 0:
            h = h + scales.bias_stds[level] * bias
    return h


def _projected_onto(
    omega: Float[Array, "n r"], part: Float[Array, "n i"]
) -> Float[Array, "n i"]:
    square = omega.T @ omega
    return omega @ jax.lax.custom_linear_solve(
        lambda values: square @ values,
        omega.T @ part,
        lambda _, values: _solved(square, values),
        symmetric=True,
    )


_solved = jax.custom_batching.sequential_vmap(lambda a, b: jnp.linalg.solve(a, b))


def sampled(
    first: Float[Array, "d r"],
    rows: tuple[Rows, ...],
    biases: tuple[Array, ...],
    scales: Scales,
    width: int,
    key: PRNGKeyArray | Array,
) -> FinitePiNetwork:
    """A network of a width, its matrices drawn."""
    keys = jax.random.split(key, scales.depth - 1)
    omegas = tuple(
        jax.random.normal(one, (width, first.shape[1]), first.dtype) for one in keys
    )
    weights = [omegas[0] @ first.T]
    for level, part in enumerate(rows, 1):
        gain = scales.gains[level - 1]
        active = gain * jax.nn.relu(omegas[level - 1] @ part.units.T)
        weight = part.a.T @ active.T / width
        last = level == scales.depth - 1
        weights.append(weight if last else omegas[level] @ weight)
    own = [
        omega @ bias if bias.size else bias
        for omega, bias in zip(omegas, biases[:-1], strict=True)
    ]
    values = Values(tuple(weights), (*own, biases[-1]))
    return FinitePiNetwork(values, omegas, scales)
