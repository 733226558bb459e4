"""Which rules of descent the equivalence with a small network holds for."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from hyperlimit.errors import InputError
from hyperlimit.feature_learning._linear_network import LinearNetwork
from hyperlimit.linalg import is_traced

Pair = tuple[np.ndarray, np.ndarray]

# Widths of the trial, its inputs and outputs, its steps, and the sizes of its
# gradients: small ones uncover what decays, large ones what is clipped.
SMALL, WIDE, INPUTS, OUTPUTS, STEPS = 5, 11, 3, 2, 6
SIZES = (1e-2, 1e4)
# In double precision; a rule that is equivariant errs by some 1e-14.
CLOSE = 1e-7


def check_equivariant(optimiser: optax.GradientTransformation) -> None:
    r"""Raises an InputError for a rule of descent that `linear_limit` is no limit of.

    What the equivalence needs is tried: for matrices R with orthonormal columns, a run
    from $(R W_1, W_2 R^T)$ with gradients $(R G_1, G_2 R^T)$ must move them by R times
    what the run from $(W_1, W_2)$ with $(G_1, G_2)$ moves those by. That fails for
    rules that treat entries apart (Adam, RMSProp, signs), that clip or scale rows, or
    that know of the width. A rule with a traced number in it is not tried.

    Cost: some hundred operations on matrices of 11 x 3.

    Raises:
        InputError: for such a rule, or what is no transformation of gradients.

    Examples:
        >>> import optax
        >>> check_equivariant(optax.sgd(0.1, momentum=0.9))
        >>> try:
        ...     check_equivariant(optax.adam(0.1))
        ... except InputError as error:
        ...     print(str(error)[:36])
        the optimiser is not equivariant und
    """
    if not isinstance(optimiser, optax.GradientTransformation):
        raise InputError(
            f"optimiser={optimiser!r} is no transformation of gradients: give one of "
            "Optax's, such as optax.sgd(0.1)."
        )
    with (
        jax.ensure_compile_time_eval(),
        jax.enable_x64(True),
        jax.numpy_dtype_promotion("standard"),
    ):
        for size in SIZES:
            _try(optimiser, size)


def _try(optimiser: optax.GradientTransformation, size: float) -> None:
    generator = np.random.default_rng(0)
    turn = np.linalg.qr(generator.standard_normal((WIDE, SMALL)))[0]

    def turned(pair: Pair) -> Pair:
        return turn @ pair[0], pair[1] @ turn.T

    def drawn(scale: float) -> Pair:
        shapes = (SMALL, INPUTS), (OUTPUTS, SMALL)
        one, two = (scale * generator.standard_normal(shape) for shape in shapes)
        return one, two

    start = drawn(1.0)
    runs = [start, turned(start)]
    states: list[Any] = [optimiser.init(_net(run)) for run in runs]
    for step in range(STEPS):
        slope = drawn(size)
        updates: list[Pair] = []
        for k, given in enumerate((slope, turned(slope))):
            try:
                update, states[k] = optimiser.update(
                    _net(given), states[k], _net(runs[k])
                )
            except TypeError as error:
                raise InputError(
                    f"the optimiser needs more than gradients ({error}): give a rule "
                    "that moves by them alone, such as optax.sgd."
                ) from error
            first, second = jax.tree.leaves(update)
            if is_traced(first):
                return
            updates.append((np.asarray(first), np.asarray(second)))
            runs[k] = runs[k][0] + updates[k][0], runs[k][1] + updates[k][1]
        off, moved = 0.0, 0.0
        for wide, expected in zip(updates[1], turned(updates[0]), strict=True):
            off = max(off, float(np.max(np.abs(wide - expected))))
            moved = max(moved, float(np.max(np.abs(expected))))
        if not off <= CLOSE * moved:
            raise InputError(
                "the optimiser is not equivariant under rotations of the hidden layer "
                f"(off by {off / moved if moved else off:.0e} of a step in step "
                f"{step + 1} of a trial), and linear_limit is not its limit: give "
                "optax.sgd, with momentum, weight decay or clipping by norm."
            )


# Any: Optax's types do not know modules as trees of arrays.
def _net(pair: Pair) -> Any:
    return LinearNetwork(*map(jnp.asarray, pair))
