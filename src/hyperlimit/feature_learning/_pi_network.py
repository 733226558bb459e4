"""An infinitely wide network in the pi-limit."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from hyperlimit.errors import InputError
from hyperlimit.feature_learning._finite_pi_network import FinitePiNetwork, sampled
from hyperlimit.feature_learning._pi_batches import (
    batches_of,
    check_inputs,
    check_losses,
    rates_of,
)
from hyperlimit.feature_learning._pi_loss import Loss, clipping, half_mean_square
from hyperlimit.feature_learning._pi_rows import Rows
from hyperlimit.feature_learning._pi_scales import Scales
from hyperlimit.feature_learning._relu_moment import relu_moment, unit_rows
from hyperlimit.finite import check_key

# Rows that are made at once, at least: each number of rows is compiled for itself.
_ROOM = 256


@final
class PiNetwork(eqx.Module):
    r"""A network in the pi-limit: call it on one input, `step` it on a batch.

    Attributes:
        first: $A^1$ (d, r).
        rows: of the other weight layers, the readout last.
        biases: $c$ of every weight layer; empty where there are none.
        seen: how many examples its steps have had in all.
    """

    first: Float[Array, "d r"]
    rows: tuple[Rows, ...]
    biases: tuple[Float[Array, " _"], ...]
    seen: Int[Array, ""]
    scales: Scales = eqx.field(static=True)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        """The outputs for one input.

        Raises:
            InputError: if it is no vector of the right length.
        """
        return self.levels(x)[-1]

    def levels(
        self, x: Float[Array, " d"], shifts: tuple[Array, ...] | None = None
    ) -> tuple[Float[Array, " _"], ...]:
        """$g^1, ..., g^L$ and the outputs; to each a shift is added, if given.

        The units of a hidden layer are $\\omega \\cdot g^l$, so that products of these
        vectors are the kernel of the layer.
        """
        if jnp.shape(x) != self.first.shape[:1]:
            raise InputError(
                f"one input of {len(self.first)} numbers was expected, and shape "
                f"{jnp.shape(x)} was given: jax.vmap over further axes."
            )
        scales, found = self.scales, []
        for level in range(scales.depth):
            std = scales.weight_stds[level]
            if level == 0:
                g = std / len(x) ** 0.5 * (x.astype(self.first.dtype) @ self.first)
            else:
                rows = self.rows[level - 1]
                factor = std * scales.gains[level - 1] ** 2
                g = factor * (relu_moment(rows.units, found[-1]) @ rows.a)
            if scales.bias_stds[level] > 0:
                g = g + scales.bias_stds[level] * self.biases[level]
            found.append(g if shifts is None else g + shifts[level])
        return tuple(found)

    def step(
        self,
        x: Float[Array, "b d"],
        y: Shaped[Array, "b ..."],
        *,
        learning_rate: float | Float[Array, ""],
        loss: Loss = half_mean_square,
        clip: float | None = None,
    ) -> tuple["PiNetwork", Float[Array, ""]]:
        """The network after a step of gradient descent, and the loss before it.

        Args:
            x: a batch of inputs.
            y: what the loss compares the outputs with.
            learning_rate: of this step.
            loss: outputs (b, k) and targets to a scalar. The default is half the mean
                squared length of what they differ by.
            clip: the longest gradient, in the norm whose square is what the loss falls
                by for a unit of learning rate where all `rates` are one.
        """
        net = self.with_room(len(x))
        return _stepped(net, x, y, jnp.asarray(learning_rate, float), loss, clip)

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
    ) -> tuple["PiNetwork", Float[np.ndarray, " steps"]]:
        """The network after steps on batches of a new order in every epoch.

        Args:
            x, y: the examples.
            learning_rate: one number, or one for each step.
            steps: how many; the loss before each is returned.
            batch_size: examples of a step.
            key: a JAX random key.
            loss, clip: as for `step`.

        Raises:
            InputError: for numbers out of range, and if a loss is not finite.
        """
        batches = batches_of(len(x), len(y), steps, batch_size, check_key(key))
        check_inputs(x)
        rates = rates_of(learning_rate, steps)
        net, losses, done = self, [np.zeros(0)], 0
        while done < steps:
            # About as many as it has had: each number of rows is compiled for itself.
            ahead = max(_ROOM, int(net.seen)) // batch_size + 1
            part = slice(done, done + ahead)
            net = net.with_room(batch_size * len(batches[part]))
            net, found = _descended(net, x, y, batches[part], rates[part], loss, clip)
            losses.append(np.asarray(found, float))
            check_losses(losses[-1], done)
            done += len(found)
        return net, np.concatenate(losses)

    def sample(self, width: int, *, key: PRNGKeyArray | Array) -> FinitePiNetwork:
        """A network of some width of which this one is the limit.

        Its $\\Omega^l$ are drawn; its outputs, and those after the same steps, differ
        from the limit's by $O(n^{-1/2})$.
        """
        if width < self.first.shape[1]:
            raise InputError(
                f"width={width} was given and the rank is {self.first.shape[1]}: give "
                "a width of at least the rank."
            )
        seen = int(self.seen)
        rows = tuple(part.used(seen) for part in self.rows)
        return sampled(
            self.first, rows, self.biases, self.scales, width, check_key(key)
        )

    def with_room(self, examples: int) -> "PiNetwork":
        """The same with space for the rows of so many more examples."""
        seen = int(self.seen)
        return eqx.tree_at(
            lambda net: net.rows,
            self,
            tuple(part.with_room(seen, examples, _ROOM) for part in self.rows),
        )


@eqx.filter_jit
def _stepped(
    net: PiNetwork,
    x: Array,
    y: Array,
    rate: Float[Array, ""],
    loss: Loss,
    clip: float | None,
) -> tuple[PiNetwork, Float[Array, ""]]:
    return one_step(net, x, y, rate, loss, clip)


@eqx.filter_jit
def _descended(
    net: PiNetwork,
    x: Array,
    y: Array,
    batches: Int[Array | np.ndarray, "s b"],
    rates: Float[Array, " s"],
    loss: Loss,
    clip: float | None,
) -> tuple[PiNetwork, Float[Array, " s"]]:
    def step(net: PiNetwork, given: tuple[Array, Array]):
        rows, rate = given
        return one_step(net, x[rows], y[rows], rate, loss, clip)

    return jax.lax.scan(step, net, (jnp.asarray(batches), rates))


def one_step(
    net: PiNetwork,
    x: Float[Array, "b d"],
    y: Shaped[Array, "b ..."],
    rate: Float[Array, ""],
    loss: Loss,
    clip: float | None,
) -> tuple[PiNetwork, Float[Array, ""]]:
    """The step, where there is room for its rows."""
    scales, kind = net.scales, net.first.dtype
    x = x.astype(kind)

    def value(shifts: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        found = jax.vmap(net.levels)(x, shifts)
        return loss(found[-1], y), found

    widths = [net.first.shape[1]] * (scales.depth - 1) + [net.rows[-1].a.shape[1]]
    zeros = tuple(jnp.zeros((len(x), width), kind) for width in widths)
    (before, levels), slopes = jax.value_and_grad(value, has_aux=True)(zeros)
    factor = 1.0 if clip is None else clipping(_square(net, x, levels, slopes), clip)
    steps = [
        (-rate * scales.rates[level] * factor).astype(kind) * slopes[level]
        for level in range(scales.depth)
    ]
    in_scale = scales.weight_stds[0] / x.shape[1] ** 0.5
    first = net.first + in_scale * (x.T @ steps[0])
    rows, biases = [], []
    for level, step in enumerate(steps):
        std = scales.bias_stds[level]
        bias = net.biases[level]
        biases.append(bias + std * jnp.sum(step, axis=0) if std > 0 else bias)
        if level > 0:
            units, lengths = unit_rows(levels[level - 1])
            a = scales.weight_stds[level] * lengths[:, None] * step
            rows.append(net.rows[level - 1].appended(net.seen, a, units))
    seen = net.seen + len(x)
    after = PiNetwork(first, tuple(rows), tuple(biases), seen, scales)
    return after, before


def _square(
    net: PiNetwork,
    x: Float[Array, "b d"],
    levels: tuple[Array, ...],
    slopes: tuple[Array, ...],
) -> Float[Array, ""]:
    """What the loss falls by for a unit of learning rate, to first order."""
    scales, total = net.scales, jnp.zeros((), net.first.dtype)
    for level, slope in enumerate(slopes):
        products = slope @ slope.T
        if level == 0:
            kernel = x @ x.T / x.shape[1]
        else:
            units, lengths = unit_rows(levels[level - 1])
            moments = jax.vmap(relu_moment, (None, 0))(units, levels[level - 1])
            kernel = scales.gains[level - 1] ** 2 * moments * lengths[None, :]
        total = total + scales.weight_stds[level] ** 2 * jnp.sum(products * kernel)
        total = total + scales.bias_stds[level] ** 2 * jnp.sum(products)
    return total
