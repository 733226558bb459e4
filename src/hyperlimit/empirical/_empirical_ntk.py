"""The empirical neural tangent kernel of a finite network."""

from collections.abc import Callable
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PyTree

from hyperlimit.empirical._assembly import in_order, piece, tiles
from hyperlimit.empirical._examples import Grid, grid, parts
from hyperlimit.empirical._plan import METHODS, Method, NTKPlan, plan
from hyperlimit.empirical._reading import parameters
from hyperlimit.errors import InputError
from hyperlimit.finite import UnshapedHypernetwork

FORMS = ("full", "diagonal", "blocks")
OUTPUTS = ("mean", "full")

Inputs = ArrayLike | tuple[ArrayLike, ArrayLike]


def empirical_ntk(
    net: Callable[..., Array],
    inputs: Inputs,
    others: Inputs | None = None,
    *,
    form: Literal["full", "diagonal", "blocks"] = "full",
    outputs: Literal["mean", "full"] = "mean",
    by_parameter: bool = False,
    method: Method | None = None,
    chunk: int | None = None,
    trained: PyTree = eqx.is_inexact_array,
    z_axes: int = 1,
) -> Float[Array, "..."] | dict[str, Float[Array, "..."]]:
    r"""The kernel of gradients of a finite network at its present parameters w.

    $$\Theta_{kl}(u, v) = \langle \nabla_w h_k(u), \nabla_w h_l(v) \rangle .$$

    Gradients are kept as factors. One in a weight matrix is $\bar y \otimes a$, and its
    products are those of $\bar y$ times those of $a$. Of a hypernetwork
    $h(x, z) = g(z; V(x))$, with $J$ the gradient of g in the V it is given,

    $$\Theta(u, v) = J(u)\, \Theta_V(x, x')\, J(v)^T:$$

    the last layer of f, linear in its weights, adds $(q \cdot q' + 1)$ times the kernel
    of g in V, whose gradients are never formed for it; all that lies below is the same
    for pairs that share x. `ntk_plan` says which order of contraction is taken.

    Args:
        net: a network of `hl.init` or `hl.hypernetize`, or any Equinox module. One that
            takes (x, z) and has a method `primary`, with `net.primary(x)(z)` what
            `net(x, z)` is, is read as a hypernetwork.
        inputs: rows (n, ...) for a network that reads one thing; (x, z) with n rows
            of each; or (x, z) with z (b, p, ...), p points for each of b x, n = b p
            examples, x by x. Rows of pairs with equal x are found.
        others: the same. None: inputs.
        form: "full" for all pairs; "diagonal" for each example with itself; "blocks"
            for the pairs that share x, of z (b, p, ...).
        outputs: "mean" for the mean over equal outputs, which is what the infinitely
            wide limit's `ntk` is; "full" for all pairs of outputs, two axes at the end.
        by_parameter: a kernel for each trained array, by its path; their sum is the
            kernel.
        method: "structured", "jacobian" (gradients written out and multiplied) or
            "products" (one forward and backward pass for each column). None: of all
            pairs, the one with the fewest multiplications, counted, among those whose
            largest array has at most 2 GiB; "structured" otherwise.
        chunk: how many x to work on at a time on either side, for less memory and more
            time. None: all.
        trained: an Equinox filter that says which arrays are w.
        z_axes: how many axes one z has.

    Returns:
        (n, m), (n,) or (b, p, p), with two more axes (k, k) if outputs is "full", in
        the type of the network; or a dictionary of such.

    Raises:
        InputError: for shapes that do not fit together, an unknown word, no trained
            arrays, or a network whose output is not one real array.

    References:
        Novak, Sohl-Dickstein and Schoenholz, *Fast Finite Width Neural Tangent Kernel*,
        ICML 2022, for the three ways of contraction without hypernetworks.

    Examples:
        >>> import jax, jax.numpy as jnp, hyperlimit as hl
        >>> spec = hl.Hypernetwork(
        ...     meta=hl.mlp(depth=2, width=32), primary=hl.mlp(depth=2, width=8, out=1)
        ... )
        >>> net = hl.init(spec, key=jax.random.key(0), x=5, z=2)
        >>> x, z = jnp.ones((3, 5)), jnp.ones((3, 7, 2))
        >>> print(hl.empirical_ntk(net, (x, z)).shape)
        (21, 21)
        >>> print(hl.empirical_ntk(net, (x, z), form="blocks").shape)
        (3, 7, 7)
    """
    _check(form, outputs, method, others, by_parameter)
    if chunk is not None and chunk < 1:
        raise InputError(f"chunk={chunk} was given: give at least 1, or None for all.")
    one = grid(inputs, z_axes)
    two = None if others is None else grid(others, z_axes, "others")
    net = _shaped(net, one)
    _check_alike(one, two)
    size = chunk or max(len(one.x), 0 if two is None else len(two.x))
    if form == "blocks" and one.rows is not None:
        raise InputError(
            "form='blocks' was asked for rows of pairs: give z (b, p, ...), the p "
            "points of each x."
        )

    if method is None and (form != "full" or by_parameter):
        method = METHODS[0]
    elif method is None and chunk is not None:
        method = plan(net, trained, one, two, outputs).method
    settings = (trained, form, outputs, by_parameter, method)

    def between(one: Grid, two: Grid | None) -> list[Array]:
        return piece(net, one, two, *settings)

    if form != "full":
        found = [between(part, None) for part in parts(one, size)]
        result = jax.tree.map(lambda *pieces: jnp.concatenate(pieces), *found)
    else:
        result = tiles(between, parts(one, size), two and parts(two, size))
    if form != "blocks":
        result = [in_order(kernel, one, two or one, form) for kernel in result]
    if not by_parameter:
        return result[0]
    return dict(zip(parameters(net, trained).names, result, strict=True))


def ntk_plan(
    net: Callable[..., Array],
    inputs: Inputs,
    others: Inputs | None = None,
    *,
    outputs: Literal["mean", "full"] = "mean",
    trained: PyTree = eqx.is_inexact_array,
    z_axes: int = 1,
) -> NTKPlan:
    """What `empirical_ntk` would do for these inputs, and what each way would cost.

    Counted from the functions' equations; nothing is computed. `print` shows a table.

    Args and errors: as `empirical_ntk`.

    Examples:
        >>> import jax, jax.numpy as jnp, hyperlimit as hl
        >>> net = hl.init(hl.mlp(depth=2, width=32, out=1), key=jax.random.key(0), x=5)
        >>> hl.ntk_plan(net, jnp.ones((9, 5))).method
        'structured'
    """
    _check("full", outputs, None, others, False)
    one = grid(inputs, z_axes)
    two = None if others is None else grid(others, z_axes, "others")
    _check_alike(one, two)
    return plan(_shaped(net, one), trained, one, two, outputs)


def _shaped(net: PyTree, given: Grid) -> PyTree:
    """A network with arrays."""
    if not callable(net):
        raise InputError(
            f"empirical_ntk was given a {type(net).__name__}: give a network that can "
            "be called on one example."
        )
    if not isinstance(net, UnshapedHypernetwork):
        return net
    if given.z is None:
        raise InputError(
            "a hypernetwork reads pairs, and x alone was given: give (x, z)."
        )
    return net.shaped(given.x[0], given.z[0, 0])


def _check(
    form: str, outputs: str, method: str | None, others: object, by_parameter: bool
) -> None:
    for name, given, known in (
        ("form", form, FORMS),
        ("outputs", outputs, OUTPUTS),
        ("method", method, (None, *METHODS)),
    ):
        if given not in known:
            words = ", ".join(repr(word) for word in known)
            raise InputError(f"{name}={given!r} is not known: give one of {words}.")
    if form != "full" and others is not None:
        raise InputError(
            f"form={form!r} pairs inputs with themselves, and others were given: leave "
            "them out."
        )
    if method == "products" and (form != "full" or by_parameter):
        raise InputError(
            "method='products' gives whole columns of one kernel: ask for form='full' "
            "and not by_parameter, or take another method."
        )


def _check_alike(one: Grid, two: Grid | None) -> None:
    for name, a, b in (
        ("x", one.x, one.x if two is None else two.x),
        ("z", one.z, one.z if two is None else two.z),
    ):
        lead = 1 if name == "x" else 2
        left = None if a is None else a.shape[lead:]
        right = None if b is None else b.shape[lead:]
        if left != right:
            raise InputError(
                f"one {name} of inputs has shape {left} and one of others {right}: "
                "give both the same."
            )
