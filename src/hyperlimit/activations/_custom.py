"""Any function of the user's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from jaxtyping import Array, Float

from hyperlimit.activations._hermite import AbstractHermite


@final
@dataclass(frozen=True)
class Custom(AbstractHermite):
    r"""Any function of the user's, with duals by quadrature and Hermite expansion.

    $$E[\phi(u)\phi(v)] = \sum_n a_n(s_x) a_n(s_y) \rho^n,\qquad
      a_n(s) = E[\phi(s g) h_n(g)],$$

    and the same of $\phi'$, exact on the diagonal. Off it the error is at most
    $2 |\rho|^{degree}$ times what the first `degree` terms leave of $E\phi^2$ and
    $E\phi'^2$: negligible for a smooth function, and slow to fall for one with a kink
    (for a rectifier use its own class). With the nearest singularity at a distance
    $r$ from the real line, $14^2 (s / r)^2$ terms leave some 1e-12; half as many
    again are safe for the derivative too.

    Args:
        function: maps an array elementwise and is differentiable by JAX; smooth but
            for a kink or a jump at zero, of less than exponential-square growth. The
            derivative is the one that JAX finds: almost everywhere, without jumps.
        degree: how many Hermite terms, at least one. Cost is proportional to it for
            every pair.

    Raises:
        InputError: for a degree below one.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.activations import Custom, GaussianPair
        >>> one = jnp.ones(())
        >>> pair = GaussianPair(one, one, 0.5 * one)
        >>> print(f"{Custom(jnp.tanh).dual(pair):.4f}")
        0.1863
    """

    function: Callable[[Array], Array]
    degree: int = 64

    def __call__(self, z: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function itself, elementwise."""
        return self.function(z)
