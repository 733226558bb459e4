"""The limit in which both networks of a hypernetwork are infinitely wide."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final, overload

import jax
from jaxtyping import Array, ArrayLike, Float, PyTree

from hyperlimit.errors import InputError
from hyperlimit.layers import AbstractInputs, Images, KernelState, SpatialState
from hyperlimit.limits._base import AbstractLimit
from hyperlimit.limits._inputs import pairs, rows_of
from hyperlimit.limits._order import check_order
from hyperlimit.limits._walk import walk
from hyperlimit.limits.gram import Gram, Method, gram_of, primary_kernels
from hyperlimit.networks import Hypernetwork, Network


@final
@dataclass(frozen=True)
class DualLimit(AbstractLimit):
    r"""A hypernetwork $h(x, z) = g(z; f(x))$ with $f$, then $g$, infinitely wide.

    With $K_f, \Theta_f$ the GP kernel and NTK of $f$, and $(K, T)$ carried through
    $g$ from $(z \cdot z' / d, 0)$: a generated layer maps $K \to K_f K$ and
    $T \to K_f T + \Theta_f K$, an own layer $K \to K$ and $T \to T + K$, an
    activation $K \to \check\phi(K)$ and $T \to T \check\phi'(K)$. If every parameter
    of $g$ is generated, $T = \Theta_f \Phi$ is the hyperkernel.

    Inputs are pairs `(x, z)`, (n, d_x) and (n, d_z): row i is $u_i = (x_i, z_i)$. A
    meta-network that reads `Images` takes x (n, height, width, channels).

    References:
        Littwin, Galanti, Wolf and Yang, *On Infinite-Width Hypernetworks*, NeurIPS
        2020, section 4.
    """

    spec: Hypernetwork

    def prepare(self, inputs: PyTree) -> PyTree:
        """Checks pairs; returns what the kernels need of each row."""
        x, z = pairs(inputs, self.spec.meta.inputs.rank, self.spec.primary.inputs.rank)
        return (
            _prepare(self.spec.meta.limit_inputs, x),
            _prepare(self.spec.primary.limit_inputs, z),
        )

    def pair_size(self, a: PyTree) -> int:
        """How many numbers a kernel holds for one pair on its way."""
        return max(self.meta_pair_size(a[0]), _pair_size(self.spec.primary, a[1]))

    def meta_pair_size(self, a: PyTree) -> int:
        """The same for the meta-network alone."""
        return _pair_size(self.spec.meta, a)

    def gram_state(self, a: PyTree, b: PyTree) -> KernelState:
        """The state of the outputs for all pairs of prepared inputs."""
        return self.primary_state(
            _vectors(self.spec.primary.limit_inputs.gram_state(a[1], b[1])),
            self.meta_state(self.spec.meta.limit_inputs.gram_state(a[0], b[0])),
        )

    def diagonal_state(self, a: PyTree) -> KernelState:
        """The state of the outputs for each prepared input with itself."""
        return self.primary_state(
            _vectors(self.spec.primary.limit_inputs.diagonal_state(a[1])),
            self.meta_state(self.spec.meta.limit_inputs.diagonal_state(a[0])),
        )

    def meta_state(self, inputs: KernelState | SpatialState) -> KernelState:
        """The kernels of the meta-network's outputs from those of its inputs."""
        return walk(self.spec.meta, inputs)

    def primary_state(self, inputs: KernelState, meta: KernelState) -> KernelState:
        """The kernels of the hypernetwork from those of z and of f(x)."""
        return primary_kernels(self.spec.primary, inputs, meta)

    def gram(
        self,
        x: ArrayLike,
        z: ArrayLike | Sequence[ArrayLike],
        mask: ArrayLike | None = None,
        *,
        others: tuple[Any, ...] | None = None,
        kind: Literal["ntk", "nngp"] = "ntk",
        atol: float | None = None,
        method: Method = "expansion",
        memory: int = 2**30,
    ) -> Gram:
        r"""The Gram matrix on images x coordinates, as an operator.

        Off the diagonal of images the kernel is a function F of f's angle
        $\varphi$ between images and of two coordinates, analytic in $\varphi$, so
        that a few angles carry it:

        $$G = \sum_k A_k \otimes F(\varphi_k, \cdot) + I \otimes F(0, \cdot),$$

        $A_k$ polynomials of $\varphi$ (times f's NTK) with no diagonal. A product with
        c vectors costs $2 r c n p (n + p)$ flops for r terms.

        Args:
            x: images (n, d), or (n, h, w, c).
            z: coordinates (p, d_z); or of each image its own, n arrays (p_i, d_z),
                with `method="tiled"`.
            mask: which of the n p points are meant, (n, p); all by default.
            others: (x, z) or (x, z, mask) of the columns; the same by default.
            kind: "ntk" or "nngp".
            atol: how far an entry may be off; by default 1e-6 of the largest, or,
                tiled, what rounding leaves if that is more.
            method: "expansion", or "tiled": every entry is computed in every product,
                O(v^2) of them for v points, whatever the points are.
            memory: bytes that the $A_k$ may take; above it they are made from f's
                angles, or from the images, in every product.

        Raises:
            InputError: for shapes that disagree, numbers that are not finite, or an
                entry that is further off than `atol` among those checked.

        Examples:
            >>> import jax.numpy as jnp, hyperlimit as hl
            >>> spec = hl.Hypernetwork(
            ...     hl.mlp(depth=2, width=8), hl.mlp(depth=2, width=8, out=1)
            ... )
            >>> x, z = 1.0 + jnp.eye(5), jnp.array([[1.0, 0.0], [0.0, 1.0]])
            >>> gram = hl.dual_limit(spec).gram(x, z, atol=1e-4)
            >>> print(gram.shape, (gram @ jnp.ones(10)).shape)
            (10, 10) (10,)
        """
        return gram_of(
            self,
            (x, z, mask),
            others,
            kind=kind,
            atol=atol,
            method=method,
            memory=memory,
        )


@final
@dataclass(frozen=True)
class NetworkLimit(AbstractLimit):
    """One network, infinitely wide; inputs are (n, d), or images (n, h, w, c).

    References:
        Jacot, Gabriel and Hongler, *Neural Tangent Kernel*, NeurIPS 2018.
    """

    spec: Network

    def prepare(self, inputs: ArrayLike) -> PyTree:
        """Checks a matrix; returns what the kernels need of each row."""
        return _prepare(
            self.spec.limit_inputs, rows_of("x", inputs, self.spec.inputs.rank)
        )

    def pair_size(self, a: PyTree) -> int:
        """How many numbers a kernel holds for one pair on its way."""
        return _pair_size(self.spec, a)

    def gram_state(self, a: PyTree, b: PyTree) -> KernelState:
        """The state of the outputs for all pairs of prepared inputs."""
        return walk(self.spec, self.spec.limit_inputs.gram_state(a, b))

    def diagonal_state(self, a: PyTree) -> KernelState:
        """The state of the outputs for each prepared input with itself."""
        return walk(self.spec, self.spec.limit_inputs.diagonal_state(a))


@overload
def dual_limit(spec: Hypernetwork) -> DualLimit: ...
@overload
def dual_limit(spec: Network) -> NetworkLimit: ...
def dual_limit(spec: Hypernetwork | Network) -> DualLimit | NetworkLimit:
    """Reads a description as its infinitely wide limit.

    For a hypernetwork both networks are infinitely wide; a plain network, whose limit
    is the ordinary NTK and GP kernel, is read too. Widths in the description do not
    matter here.

    Raises:
        InputError: for anything else, or for layers in an order without a limit.

    Examples:
        >>> import jax.numpy as jnp, hyperlimit as hl
        >>> spec = hl.Hypernetwork(
        ...     meta=hl.mlp(depth=3, width=512),
        ...     primary=hl.mlp(depth=2, width=64, out=1),
        ... )
        >>> x, z = jnp.ones((1, 4)), jnp.ones((1, 2))
        >>> print(hl.dual_limit(spec).ntk((x, z)).round(4))
        [[6.]]
    """
    if isinstance(spec, Hypernetwork):
        check_order(spec.meta.layers)
        check_order(spec.primary.layers)
        return DualLimit(spec)
    if isinstance(spec, Network):
        check_order(spec.layers)
        return NetworkLimit(spec)
    raise InputError(
        f"dual_limit was given a {type(spec).__name__}: give a Hypernetwork, or a "
        "Network such as mlp returns."
    )


# Keyed by what is read alone: networks of any depth share one compiled function.
@functools.partial(jax.jit, static_argnums=0)
def _prepare(inputs: AbstractInputs, x: Float[Array, "n ..."]) -> PyTree:
    return inputs.prepare(x)


def _vectors(state: KernelState | SpatialState) -> KernelState:
    if isinstance(state, SpatialState):
        raise InputError(
            "the primary network reads images, and its dual limit is known for vectors "
            "only: let z be coordinates or flattened images."
        )
    return state


def _pair_size(network: Network, a: PyTree) -> int:
    inputs = network.limit_inputs
    if not isinstance(inputs, Images):
        return 1
    height, width = jax.tree.leaves(a)[0].shape[1:3]
    return (height * width) ** (2 if inputs.all_pairs else 1)
