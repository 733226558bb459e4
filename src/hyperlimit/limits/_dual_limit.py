"""The limit in which both networks of a hypernetwork are infinitely wide."""

import functools
from dataclasses import dataclass
from typing import final, overload

import jax
from jaxtyping import Array, ArrayLike, Float, PyTree

from hyperlimit.errors import InputError
from hyperlimit.layers import AbstractInputs, KernelState
from hyperlimit.limits._base import AbstractLimit
from hyperlimit.limits._inputs import matrix, pairs
from hyperlimit.limits._walk import walk
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

    Inputs are pairs `(x, z)`, (n, d_x) and (n, d_z): row i is $u_i = (x_i, z_i)$.

    References:
        Littwin, Galanti, Wolf and Yang, *On Infinite-Width Hypernetworks*, NeurIPS
        2020, section 4.
    """

    spec: Hypernetwork

    def prepare(self, inputs: PyTree) -> PyTree:
        """Checks pairs; returns what the kernels need of each row."""
        x, z = pairs(inputs)
        return (
            _prepare(self.spec.meta.inputs, x),
            _prepare(self.spec.primary.inputs, z),
        )

    def gram_state(self, a: PyTree, b: PyTree) -> KernelState:
        """The state of the outputs for all pairs of prepared inputs."""
        return self.primary_state(
            self.spec.primary.inputs.gram_state(a[1], b[1]),
            self.meta_state(self.spec.meta.inputs.gram_state(a[0], b[0])),
        )

    def diagonal_state(self, a: PyTree) -> KernelState:
        """The state of the outputs for each prepared input with itself."""
        return self.primary_state(
            self.spec.primary.inputs.diagonal_state(a[1]),
            self.meta_state(self.spec.meta.inputs.diagonal_state(a[0])),
        )

    def meta_state(self, inputs: KernelState) -> KernelState:
        """The kernels of the meta-network's outputs from those of its inputs."""
        return walk(self.spec.meta, inputs)

    def primary_state(self, inputs: KernelState, meta: KernelState) -> KernelState:
        """The kernels of the hypernetwork from those of z and of f(x)."""
        # One shape throughout, which the loop over layers needs.
        inputs = inputs.shaped_with(meta)
        if all(layer.homogeneous for layer in self.spec.primary.layers):
            inputs = inputs.with_exponents()
        return walk(self.spec.primary, inputs, meta)


@final
@dataclass(frozen=True)
class NetworkLimit(AbstractLimit):
    """One network, infinitely wide; inputs are matrices (n, d).

    References:
        Jacot, Gabriel and Hongler, *Neural Tangent Kernel*, NeurIPS 2018.
    """

    spec: Network

    def prepare(self, inputs: ArrayLike) -> PyTree:
        """Checks a matrix; returns what the kernels need of each row."""
        return _prepare(self.spec.inputs, matrix("x", inputs))

    def gram_state(self, a: PyTree, b: PyTree) -> KernelState:
        """The state of the outputs for all pairs of prepared inputs."""
        return walk(self.spec, self.spec.inputs.gram_state(a, b))

    def diagonal_state(self, a: PyTree) -> KernelState:
        """The state of the outputs for each prepared input with itself."""
        return walk(self.spec, self.spec.inputs.diagonal_state(a))


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
        InputError: for anything else.

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
        return DualLimit(spec)
    if isinstance(spec, Network):
        return NetworkLimit(spec)
    raise InputError(
        f"dual_limit was given a {type(spec).__name__}: give a Hypernetwork, or a "
        "Network such as mlp returns."
    )


# Keyed by what is read alone: networks of any depth share one compiled function.
@functools.partial(jax.jit, static_argnums=0)
def _prepare(inputs: AbstractInputs, x: Float[Array, "n d"]) -> PyTree:
    return inputs.prepare(x)
