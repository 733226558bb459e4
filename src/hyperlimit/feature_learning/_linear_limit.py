"""The infinitely wide linear network of one hidden layer, in muP."""

import math

import jax
import jax.numpy as jnp

from hyperlimit.errors import InputError
from hyperlimit.feature_learning._linear_network import LinearNetwork


def linear_limit(
    in_size: int, out: int, *, input_std: float = 1.0, output_std: float = 1.0
) -> LinearNetwork:
    r"""The exact limit of linear networks with one hidden layer, which learns features.

    Networks $f(\xi) = V^T U \xi / n$ with $U_{ij} \sim N(0, s_u^2)$ and
    $V_{ij} \sim N(0, s_v^2)$, trained with learning rate $\eta n$ (maximal update
    parametrisation), do as $n \to \infty$ what the network of width d + o

    $$W_1 = \begin{pmatrix} s_u I_d \\ 0 \end{pmatrix},\qquad
      W_2 = \begin{pmatrix} 0 & s_v I_o \end{pmatrix}$$

    does with learning rate $\eta$: at every step $U = \Omega W_1$ and
    $V = \Omega W_2^T$ for the same Gaussian $\Omega$, $\Omega^T \Omega / n \to I$.

    Exact for every rule that is equivariant under rotations of the hidden layer:
    gradient descent with any batches and schedule, momentum, Nesterov's, weight decay,
    clipping by a norm of the whole gradient or of either matrix, and differentiation
    through such steps (MAML, first and second order). NOT for rules that treat entries
    apart, such as Adam, RMSProp or signs: their limit is another one, and this network
    is no guide to it. `check_equivariant` tries a rule. `docs/feature_learning.md`
    derives all of it.

    Args:
        in_size: d, the length of an input; with a constant input 1 among them the
            hidden layer has biases.
        out: o, the number of outputs.
        input_std: $s_u$.
        output_std: $s_v$. Where one of the two is zero, its o (or d) hidden units
            would stay zero, and are left out.

    Cost: (d + o)^2 numbers, and as many operations for one input.

    Raises:
        InputError: for sizes below one, standard deviations that are negative or not
            finite, or both zero, which no descent moves.

    References:
        Yang and Hu, *Feature Learning in Infinite-Width Neural Networks* (Tensor
        Programs IV), ICML 2021, for muP, and for the limit of this network in
        another form, the one that the tests compare with.

    Examples:
        >>> import jax, jax.numpy as jnp, hyperlimit as hl
        >>> net = hl.linear_limit(3, 1, output_std=0.5)
        >>> print(net.first.shape, net(jnp.ones(3)))
        (4, 3) [0.]
        >>> def loss(net):
        ...     return (net(jnp.ones(3))[0] - 1.0) ** 2 / 2
        >>> net = jax.tree.map(lambda w, g: w - 0.1 * g, net, jax.grad(loss)(net))
        >>> print(f"{net(jnp.ones(3))[0]:.4f}")
        0.3750
    """
    for name, size in (("in_size", in_size), ("out", out)):
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise InputError(f"{name}={size!r} was given: give a whole number from 1.")
    for name, std in (("input_std", input_std), ("output_std", output_std)):
        if not (math.isfinite(std) and std >= 0):
            raise InputError(f"{name}={std} was given: give 0 or a positive number.")
    if input_std == output_std == 0:
        raise InputError(
            "input_std=0 and output_std=0 were given: give at least one above 0, since "
            "descent never leaves a network of zeros."
        )
    kind = jax.dtypes.canonicalize_dtype(float)
    rows = in_size if input_std > 0 else 0
    columns = out if output_std > 0 else 0
    first = input_std * jnp.eye(rows + columns, in_size, dtype=kind)
    second = output_std * jnp.eye(out, rows + columns, k=rows, dtype=kind)
    return LinearNetwork(first, second)
