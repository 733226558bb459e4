"""Gradient flow of what is trained, by an adaptive solver."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from hyperlimit.errors import InputError
from hyperlimit.linalg import is_traced
from hyperlimit.meta_wide._objective import Objective
from hyperlimit.meta_wide._trainable import Trainable


def checked_times(time: ArrayLike, dtype: jnp.dtype) -> Float[Array, " t"]:
    """Times as an array.

    Raises:
        InputError: unless they ascend from zero on, to an end.
    """
    times = jnp.atleast_1d(jnp.asarray(time, dtype))
    ascend = jnp.all(jnp.diff(times, prepend=0) >= 0) & (times[-1] < jnp.inf)
    if times.ndim != 1 or not (is_traced(ascend) or bool(ascend)):
        raise InputError(f"time={time} was given: give ascending times from 0 on.")
    return times


@eqx.filter_jit
def flowed(
    objective: Objective,
    start: Trainable,
    times: Float[Array, " t"],
    tolerances: tuple[float, float],
    max_steps: int,
) -> tuple[Trainable, Float[Array, " t"], Bool[Array, ""]]:
    """What is trained at the last time, the loss at every time, and if it got there.

    Tsit5 with steps that keep the relative and absolute tolerance.
    """

    def field(time: ArrayLike, at: Trainable, args: Objective) -> Trainable:
        del time
        return jax.tree.map(jnp.negative, args(at)[1])

    def loss(time: ArrayLike, at: Trainable, args: Objective) -> Array:
        del time
        return args.value(args.read(at, None))

    relative, absolute = tolerances
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Tsit5(),
        t0=jnp.zeros((), times.dtype),
        t1=times[-1],
        dt0=None,
        y0=start,
        args=objective,
        saveat=diffrax.SaveAt(
            subs=[diffrax.SubSaveAt(t1=True), diffrax.SubSaveAt(ts=times, fn=loss)]
        ),
        stepsize_controller=diffrax.PIDController(rtol=relative, atol=absolute),
        max_steps=max_steps,
        throw=False,
    )
    end, losses = solution.ys
    at = jax.tree.map(lambda leaf: leaf[0], end)
    return at, losses, solution.result == diffrax.RESULTS.successful
