"""A module after some steps of descent on one task."""

from collections.abc import Callable
from typing import Literal, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree, Shaped

from hyperlimit.errors import InputError
from hyperlimit.feature_learning._adapted_linear import AdaptedLinearNetwork
from hyperlimit.feature_learning._linear_network import LinearNetwork

Loss = Callable[[Array, Array], Array]
M = TypeVar("M", bound=Callable[..., Array])


def adapted(
    net: M,
    inputs: Float[Array, "k ..."],
    targets: Shaped[Array, "k ..."],
    *,
    loss: Loss,
    rate: float | Float[Array, ""],
    steps: int = 1,
    order: Literal[1, 2] = 2,
) -> M | AdaptedLinearNetwork:
    r"""A module after some steps of gradient descent, as a function of what it was.

    $\theta \leftarrow \theta - \eta \nabla_\theta L(f_\theta(X), y)$, on every
    inexact array of the module. Differentiating through the result gives MAML: with
    `order=2` exactly, with `order=1` as if what descent added to $\theta$ were a
    constant.

    Of a `LinearNetwork` only $W_1 Q$ is moved, with Q an orthonormal basis of the k
    inputs, since every gradient of $W_1$ is $G Q^T$: no matrix of the size of $W_1$ is
    made for a task, so that many tasks under `jax.vmap` share the product with it.
    (Derivatives in the inputs themselves need linearly independent ones.)

    Args:
        net: any Equinox module that maps one input to its outputs.
        inputs: k of them.
        targets: k, whatever `loss` takes.
        loss: outputs (k, ...) and targets to a scalar.
        rate: $\eta$.
        steps: how many; 0 leaves the module as it is.
        order: 1 or 2, of derivatives of the result.

    Returns:
        The module; of a `LinearNetwork` one that acts alike.

    Cost: `steps` gradients, and for `order=2` what they have in memory, until the
    result is differentiated.

    Raises:
        InputError: for another order, a negative number of steps, a loss that is no
            scalar, or inputs of another length than a `LinearNetwork` has.

    References:
        Finn, Abbeel and Levine, *Model-Agnostic Meta-Learning for Fast Adaptation of
        Deep Networks*, ICML 2017, with its first-order form.

    Examples:
        >>> import jax, jax.numpy as jnp, equinox as eqx
        >>> net = eqx.nn.Linear(2, 1, use_bias=False, key=jax.random.key(0))
        >>> x, y = jnp.eye(2), jnp.ones((2, 1))
        >>> square = lambda outputs, targets: jnp.sum((outputs - targets) ** 2) / 2
        >>> fitted = adapted(net, x, y, loss=square, rate=1.0)
        >>> print(fitted.weight)
        [[1. 1.]]
    """
    if order not in (1, 2):
        raise InputError(f"order={order!r} was given: give 1 or 2.")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise InputError(f"steps={steps!r} was given: give a whole number from 0.")
    if not isinstance(net, LinearNetwork):
        return _descended(net, inputs, targets, loss, rate, steps, order)
    if jnp.shape(inputs)[1:] != net.first.shape[1:]:
        raise InputError(
            f"inputs of {net.first.shape[1]} numbers were expected, and shape "
            f"{jnp.shape(inputs)} was given: give a row for each."
        )
    basis = _orthonormal(inputs.T)
    start = LinearNetwork(net.first @ basis, net.second)
    end = _descended(start, inputs @ basis, targets, loss, rate, steps, order)
    return AdaptedLinearNetwork(net.first, end.second, end.first - start.first, basis)


@jax.custom_jvp
@jax.custom_batching.sequential_vmap
def _orthonormal(columns: Float[Array, "d k"]) -> Float[Array, "d b"]:
    return jnp.linalg.qr(columns)[0]


@_orthonormal.defjvp
def _moved(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    r"""$Q \Omega + (I - Q Q^T)\, dX R^{-1}$, with $\Omega$ that keeps R triangular."""
    (columns,), (change,) = primals, tangents
    basis = _orthonormal(columns)
    if basis.shape[1] < columns.shape[1]:
        # All there is: what turns inside it changes nothing.
        return basis, jnp.zeros_like(basis)
    root = basis.T @ columns
    scaled = jax.scipy.linalg.solve_triangular(root.T, change.T, lower=True).T
    inside = basis.T @ scaled
    turn = jnp.tril(inside, -1) - jnp.tril(inside, -1).T
    return basis, basis @ (turn - inside) + scaled


def _descended(
    net: M,
    inputs: Float[Array, "k ..."],
    targets: Shaped[Array, "k ..."],
    loss: Loss,
    rate: float | Float[Array, ""],
    steps: int,
    order: Literal[1, 2],
) -> M:
    start, rest = eqx.partition(net, eqx.is_inexact_array)

    def value(arrays: PyTree) -> Array:
        found = loss(jax.vmap(eqx.combine(arrays, rest))(inputs), targets)
        if jnp.shape(found) != ():
            raise InputError(
                f"the loss has shape {jnp.shape(found)}: give a loss= that returns a "
                "scalar, the mean over examples say."
            )
        return found

    def step(arrays: PyTree, _: None) -> tuple[PyTree, None]:
        slope = jax.grad(value)(arrays)
        return jax.tree.map(lambda a, g: a - rate * g, arrays, slope), None

    end, _ = jax.lax.scan(step, start, None, length=steps)
    if order == 1:
        end = jax.tree.map(lambda a, b: a + jax.lax.stop_gradient(b - a), start, end)
    return eqx.combine(end, rest)
