"""The training loop."""

import contextlib
import time
from collections.abc import Callable
from os import PathLike
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from hyperlimit.errors import InputError
from hyperlimit.finite import check_key
from hyperlimit.linalg.checkpoints import Checkpoints, Store
from hyperlimit.training._check import check_calls
from hyperlimit.training._data import as_data, rows_of
from hyperlimit.training._kept import keep, opened
from hyperlimit.training._progress import Told, told
from hyperlimit.training._reason import stop_not_finite, stop_validation
from hyperlimit.training._record import Record
from hyperlimit.training._squared_error import check_outputs, squared_error
from hyperlimit.training._steps import MOST, Problem, State, advanced, evaluated
from hyperlimit.training._trained import parted

# Seconds between two looks at what the device does, about.
_LOOK = 0.5
# One object, so that a second training of the same kind compiles nothing.
_ADAM = optax.adam(1e-3)


class Training(NamedTuple):
    """A trained network, and how it went.

    Attributes:
        net: the network, of the class that was given; with validation data that of
            the least validation loss.
        losses: of the batch of every step, before it.
        validation: (step, loss) after every epoch, if there are validation data.
        steps: how many were made.
        best_step: that after which `net` stood.
        seconds: that all of it took, compilation and earlier runs included.
    """

    net: PyTree
    losses: Float[np.ndarray, " steps"]
    validation: Float[np.ndarray, "looks 2"]
    steps: int
    best_step: int
    seconds: float


def train(
    net: PyTree,
    data: PyTree,
    *,
    key: PRNGKeyArray | Array,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    optimiser: optax.GradientTransformation | None = None,
    loss: Callable[..., Array] | None = None,
    trained: PyTree | None = None,
    validation: PyTree | None = None,
    patience: int | None = None,
    checkpoints: Checkpoints | str | PathLike[str] | None = None,
    progress: bool | Told = True,
) -> Training:
    r"""Trains a network by an optimiser on minibatches.

    $w \leftarrow w + \text{update}(\nabla_w\, \ell(w; \text{batch}))$, the batches
    those of a new random order in every epoch; rows that do not fill a batch are left
    out of that epoch. Everything random is a function of `key` and the step.

    Args:
        net: any Equinox module: a network of `hl.init` or `hl.hypernetize`, or another.
        data: (x, y) of a network of one input, rows being examples; (x, z, y) of a
            hypernetwork, x (n, ...), points z (p, d) for all x or (n, p, d), y (n, p)
            or (n, p, k). With a loss of your own, any tree of arrays of n rows.
        key: a JAX random key.
        epochs, steps: how long; give one of them.
        batch_size: rows of a step, x of a hypernetwork. None: all.
        optimiser: one of Optax, but for those that call the loss themselves, such as
            `optax.lbfgs`. None: `optax.adam(1e-3)`.
        loss: `loss(net, batch, key)`, a scalar, of data with fewer rows. It may draw
            some of the points z. None: the mean squared error.
        trained: which arrays are, as an Equinox filter: a function of a leaf, or a
            tree of True and False. None: all inexact ones but the fixed random
            numbers of input features.
        validation: data like `data`; its loss is taken after every epoch (every step,
            where `batch_size` is None), in inference mode, and the network of the
            least one is returned.
        patience: stop after so many epochs without a lower validation loss.
        checkpoints: a folder, or `hl.Checkpoints(folder, seconds=...)`. Called again
            with the same arguments, after it was killed too, the training goes on from
            there, and ends with the same numbers, to the bit, as one that was never
            ended. A folder alone is written to once a minute and at the end; steps
            since then are made again. More steps or epochs may be asked for.
        progress: a bar on the terminal, if there is one; or a function of the steps
            that are done and the latest loss.

    Cost: one compilation. Losses are fetched twice a second or so, and checked in
    every step, on the device. Memory: the arrays, their gradient, the optimiser's
    state and the data, on the device; with validation data the arrays once more.

    Raises:
        InputError: in one sentence, for data or settings that do not fit; for a folder
            of checkpoints that is another training's; and as soon as a loss, a
            gradient or a trained array is not finite: which it is, and in what step.

    Examples:
        >>> import jax, jax.numpy as jnp, optax, hyperlimit as hl
        >>> spec = hl.Hypernetwork(
        ...     meta=hl.mlp(depth=2, width=32), primary=hl.mlp(depth=2, width=8, out=1)
        ... )
        >>> x, z = jnp.linspace(-1, 1, 12)[:, None], jnp.linspace(-1, 1, 5)[:, None]
        >>> net = hl.init(spec, key=jax.random.key(0), x=x, z=z)
        >>> done = hl.train(
        ...     net,
        ...     (x, z, x * z.T),
        ...     optimiser=optax.adam(1e-2),
        ...     batch_size=4,
        ...     epochs=40,
        ...     key=jax.random.key(1),
        ... )
        >>> done.steps, bool(done.losses[-1] < 0.1 * done.losses[0])
        (120, True)
    """
    began = time.monotonic()
    data = as_data(data, "data")
    validation = None if validation is None else as_data(validation, "validation")
    arrays, rest = parted(net, trained)
    _check_settings(rows_of(data), batch_size, epochs, steps, validation, patience)
    if not isinstance(progress, bool) and not callable(progress):
        raise InputError(
            f"progress={progress!r} was given: give True, False, or a function of the "
            "steps that are done and the latest loss."
        )
    if loss is None:
        for given in (data, validation):
            if given is not None:
                check_outputs(net, given)
    problem = Problem(
        rest,
        data,
        check_key(key),
        loss or squared_error,
        optimiser or _ADAM,
        batch_size,
    )
    check_calls(problem.loss, problem.optimiser, arrays)
    total = steps if steps is not None else (epochs or 0) * problem.steps_per_epoch
    store = _store(checkpoints)
    # Optax raises numbers to counted steps, which strict promotion refuses.
    with (
        jax.numpy_dtype_promotion("standard"),
        told(progress, total) as tell,
        contextlib.closing(store) if store else contextlib.nullcontext(),
    ):
        state = State(arrays, problem.optimiser.init(arrays), jnp.zeros((), jnp.int32))
        # The state is given away in every step; the network that was given is not.
        state, record = jax.tree.map(jnp.copy, state), Record()
        found = opened(store, problem, state, validation) if store else None
        if found is not None:
            state, record = found
        if record.step > total:
            raise InputError(
                f"the folder of checkpoints holds {record.step} steps and {total} were "
                "asked for: ask for as many or more, or give another folder."
            )
        earlier, last = record.seconds, record.step
        state = _descended(
            problem, state, record, total, validation, patience, tell, store, began
        )
        if store is not None and record.step > last:
            keep(store, state, record, earlier + time.monotonic() - began)
    kept = state.trained if record.best is None else record.best
    return Training(
        eqx.combine(kept, rest),
        np.concatenate([np.zeros(0), *record.losses]),
        np.array(record.validation, float).reshape(-1, 2),
        record.step,
        record.step if record.best is None else record.best_step,
        earlier + time.monotonic() - began,
    )


def _descended(
    problem: Problem,
    state: State,
    record: Record,
    total: int,
    validation: PyTree,
    patience: int | None,
    tell: Told,
    store: Store | None,
    began: float,
) -> State:
    """The state at the end; what happens on the way is noted in the record."""
    ahead, earlier = 1, record.seconds
    while record.step < total and (patience is None or record.stale < patience):
        until = total
        if validation is not None:
            epoch = problem.steps_per_epoch
            until = min(total, (record.step // epoch + 1) * epoch)
        count, moment = min(until - record.step, ahead), time.monotonic()
        state, seen = advanced((problem, jnp.asarray(count, jnp.int32)), state)
        losses = np.asarray(seen.losses, float)[: int(state.step) - record.step]
        if not bool(seen.finite):
            stop_not_finite(problem, state, seen, float(losses[-1]))
        record.losses.append(losses)
        record.step += count
        # So many that the device is hardly waited for, and a stop is soon heard.
        speed = count / (time.monotonic() - moment)
        ahead = max(1, min(int(_LOOK * speed), 4 * ahead, MOST))
        if validation is not None and record.step == until:
            value = float(evaluated(problem, state.trained, validation))
            if not np.isfinite(value):
                stop_validation(validation, record.step, value)
            if record.improves(value):
                record.best = jax.tree.map(jnp.copy, state.trained)
        tell(record.step, float(losses[-1]))
        if store is not None and store.due():
            keep(store, state, record, earlier + time.monotonic() - began)
    return state


def _store(given: Checkpoints | str | PathLike[str] | None) -> Store | None:
    if given is None:
        return None
    if not isinstance(given, Checkpoints | str | PathLike):
        raise InputError(
            f"checkpoints={given!r} was given: give a folder, or hl.Checkpoints."
        )
    return (given if isinstance(given, Checkpoints) else Checkpoints(given)).store


def _check_settings(
    rows: int,
    batch_size: int | None,
    epochs: int | None,
    steps: int | None,
    validation: PyTree,
    patience: int | None,
) -> None:
    settings = {"epochs": epochs, "steps": steps, "batch_size": batch_size}
    for name, given in (settings | {"patience": patience}).items():
        if given is not None and (isinstance(given, bool) or given != int(given)):
            raise InputError(f"{name}={given!r} was given: give a whole number.")
    long = steps if epochs is None else epochs
    if (epochs is None) == (steps is None) or long is None or long < 0:
        raise InputError(
            f"epochs={epochs} and steps={steps} were given: give one of them, and not "
            "below 0."
        )
    if batch_size is not None and not 1 <= batch_size <= rows:
        raise InputError(
            f"batch_size={batch_size} was given and there are {rows} rows: give "
            "between 1 and that, or None for all."
        )
    if patience is not None and (validation is None or patience < 1):
        raise InputError(
            f"patience={patience} was given, and "
            f"{'no validation data' if validation is None else 'validation data'}: "
            "give at least 1 epoch, and validation data to look at."
        )
