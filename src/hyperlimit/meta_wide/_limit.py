"""The limit in which only the meta-network is infinitely wide."""

from dataclasses import dataclass
from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from hyperlimit.errors import InputError
from hyperlimit.finite import check_key, draw_own, input_size
from hyperlimit.layers import Size
from hyperlimit.limits import dual_limit
from hyperlimit.meta_wide._gaussian_process import draw, first_equal
from hyperlimit.meta_wide._network import MetaWideNetwork
from hyperlimit.networks import Hypernetwork
from hyperlimit.regression import check_inputs_finite


@final
@dataclass(frozen=True)
class MetaWideLimit:
    r"""A hypernetwork with $f$ infinitely wide and $g$ as wide as it is described.

    The weights that f writes are a Gaussian process, $V_0 \sim GP(0, K_f \otimes I)$,
    independent and alike for all P entries, and f stays linear in its own weights
    w throughout training, with the constant kernel $\Theta_f \otimes I$. So any rule
    that is linear in the gradients of w keeps $w - w_0 = J^T A$, and moves A (n, P) as
    if it were the parameter and $\partial L / \partial V$ its gradient:

    $$V(x) = V_0(x) + \Theta_f(x, X)\, A.$$

    All of it in NTK parametrisation. The loss is not convex in A, unlike in the dual
    limit: g is finite. `docs/meta_wide.md` derives it.

    References:
        Littwin, Galanti, Wolf and Yang, *On Infinite-Width Hypernetworks*, NeurIPS
        2020, for the setting; Lee, Xiao et al., *Wide Neural Networks of Any Depth
        Evolve as Linear Models Under Gradient Descent*, NeurIPS 2019, for f.
    """

    spec: Hypernetwork

    def init(
        self,
        x: ArrayLike,
        *,
        key: PRNGKeyArray | Array,
        z: ArrayLike | Size | None = None,
    ) -> MetaWideNetwork:
        r"""Draws the initial weights of all x, $V_0(X) \sim GP(0, K_f \otimes I)$.

        Rows of x that are equal to the bit get equal weights; the process is drawn at
        some $10^{-16}$ (in float64) of its variance more where $K_f$ is singular.

        Args:
            x: (n, d_x), or images (n, height, width, channels): all that is trained on.
            key: a JAX random key.
            z: an example of an input of the primary network, or its length; not
                needed where the description says `in_size`.

        Cost O(n^2) kernel entries and O(n^3 + n^2 P); memory n^2 + n P.

        Raises:
            InputError: for x that is no such array, not finite, or empty, a size of z
                that is missing or disagrees with the description, or no random key.
        """
        meta, primary = self.spec.meta, self.spec.primary
        z_size = input_size("z", z, primary.in_size, primary.inputs.rank)
        if z_size is None:
            raise InputError(
                "the size of z is not known: give z, an example or its length, too."
            )
        weights_key, own_key, fixed_key = jax.random.split(check_key(key), 3)
        check_inputs_finite(x)
        limit = dual_limit(meta)
        nngp, ntk = limit.kernels(x)
        if len(nngp) == 0:
            raise InputError(
                f"x has shape {jnp.shape(x)}, no rows: give at least one x."
            )
        x = jnp.asarray(x, nngp.dtype)
        input_size("x", x, meta.in_size, meta.inputs.rank)
        count = sum(p.size for p in self.spec.generated_parameters(z_size))
        initial = draw(nngp, count, weights_key)[first_equal(x)]
        return MetaWideNetwork(
            x=x,
            initial=initial,
            coefficients=jnp.zeros_like(initial),
            own=draw_own(self.spec, z_size, "ntk", own_key, nngp.dtype),
            ntk=ntk,
            fixed=primary.inputs.draw(z_size, fixed_key),
            spec=self.spec,
            z_size=z_size,
        )


def meta_wide_limit(spec: Hypernetwork) -> MetaWideLimit:
    """Reads a description with its meta-network infinitely wide, its primary finite.

    The width of the meta-network does not matter here; that of the primary does.

    Raises:
        InputError: for anything but a hypernetwork, or a meta-network whose layers are
            in an order without a limit, or do not end in Dense.

    Examples:
        >>> import jax, jax.numpy as jnp, optax, hyperlimit as hl
        >>> spec = hl.Hypernetwork(
        ...     meta=hl.mlp(depth=3, width=512),
        ...     primary=hl.mlp(depth=2, width=8, out=1),
        ... )
        >>> x = jnp.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        >>> z, y = jnp.array([[1.0], [-1.0]]), jnp.ones((3, 2, 1))
        >>> net = hl.meta_wide_limit(spec).init(x, key=jax.random.key(0), z=z)
        >>> print(net.weights.shape, net.batch(z).shape)
        (3, 16) (3, 2, 1)
        >>> net, losses = net.train(z, y, optimiser=optax.sgd(0.1, 0.9), steps=50)
        >>> print(net.at(jnp.ones((1, 2)), key=None).batch(z).shape)
        (1, 2, 1)
    """
    if not isinstance(spec, Hypernetwork):
        raise InputError(
            f"meta_wide_limit was given a {type(spec).__name__}: give a Hypernetwork."
        )
    dual_limit(spec.meta)
    # Only sums with random weights have independent outputs.
    spec.meta.with_out(1)
    return MetaWideLimit(spec)
