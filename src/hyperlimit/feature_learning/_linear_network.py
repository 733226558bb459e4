"""A linear network of one hidden layer."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from hyperlimit.errors import InputError
from hyperlimit.finite import check_key


@final
class LinearNetwork(eqx.Module):
    r"""$f(\xi) = W_2 W_1 \xi$: call it on one input, `jax.vmap` it over many.

    Attributes:
        first: $W_1$, (n, d) for a hidden layer of width n.
        second: $W_2$, (o, n).
    """

    first: Float[Array, "n d"]
    second: Float[Array, "o n"]

    def __call__(self, inputs: Float[Array, " d"]) -> Float[Array, " o"]:
        """The outputs for one input, in O(n (d + o)).

        Raises:
            InputError: for inputs of another shape than (d,).
        """
        if jnp.shape(inputs) != self.first.shape[1:]:
            raise InputError(
                f"one input of {self.first.shape[1]} numbers was expected, and shape "
                f"{jnp.shape(inputs)} was given: jax.vmap over further axes."
            )
        return self.second @ (self.first @ inputs)

    def sampled(self, width: int, *, key: PRNGKeyArray | Array) -> "LinearNetwork":
        r"""Draws a network of finite width whose limit this is.

        $$\Omega W_1 / \sqrt n,\qquad W_2 \Omega^T / \sqrt n,\qquad
          \Omega_{ij} \sim N(0, 1),$$

        independent, `jax.random.normal(key, (n, m))` for m columns of $W_2$. For the
        network of `linear_limit` the n rows are iid Gaussian: it is a network at birth
        in muP, and descent with the same learning rate at any width trains it. Its
        outputs differ from those here by $O(1 / \sqrt n)$, before training and after.

        Args:
            width: n, of the hidden layer; less than here too.
            key: a JAX random key.

        Cost O(n m (d + o)).

        Raises:
            InputError: for a width below one, or no random key.

        Examples:
            >>> import jax, hyperlimit as hl
            >>> net = hl.linear_limit(3, 1).sampled(64, key=jax.random.key(0))
            >>> print(net.first.shape, net.second.shape)
            (64, 3) (1, 64)
        """
        if isinstance(width, bool) or not isinstance(width, int) or width < 1:
            raise InputError(f"width={width!r} was given: give a whole number from 1.")
        shape = (width, self.second.shape[1])
        omega = jax.random.normal(check_key(key), shape, self.first.dtype)
        omega = omega / width**0.5
        return LinearNetwork(omega @ self.first, self.second @ omega.T)
