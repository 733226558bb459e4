"""Stages of a solve in a folder."""

import time
import warnings
from os import PathLike
from pathlib import Path
from typing import Any, final

import equinox as eqx
import jax
import numpy as np
from jax.experimental import multihost_utils

from hyperlimit.errors import InputError
from hyperlimit.linalg.checkpoints._digest import digests
from hyperlimit.linalg.checkpoints._fingerprint import fingerprint
from hyperlimit.linalg.checkpoints._folder import check_folder, mark_folder
from hyperlimit.linalg.checkpoints._quiet import forget, quiet, quiet_reading
from hyperlimit.linalg.checkpoints._versions import tell_versions, versions
from hyperlimit.linalg.solvers import AbstractKeeper, Stage, System

# Stages that stay in the folder.
_KEPT = 2


@final
class Checkpoints(AbstractKeeper):
    r"""Keeps a solve in a folder, so that it can be ended at any moment and go on.

    Given to a solver as its `keeper`. Once in a while the stage between two chunks of
    iterations is copied, and written while the solve goes on; a stage is there whole
    or not at all, and the two latest stay. Started again with the same system and the
    same folder, even after it was killed, the solve goes on from the latest stage and
    ends with the same answer, to the bit, as one that was never ended. After the end
    the folder holds the answer: started once more, the solve returns it at the price
    of its true residual. The tolerance and the most iterations may be others.

    With several processes (`jax.distributed`) the folder is one that all of them see.
    Of vectors that are dealt out each writes its own part; of a system that every
    process solves for itself the first writes its own. A solve may go on with another
    number of processes, and then ends with the same answer but for rounding.

    Args:
        folder: where; made if it is not there. One folder holds one solve.
        seconds: the least time between two stages.
        every: at least so many chunks lie between two stages.

    Cost: a stage is three vectors in the operator's precision and one in the
    right-hand side's for each column; the solve waits for one copy of it, and reads it
    once for a checksum.

    Raises:
        InputError: in one sentence, when a solve begins: if the folder holds other
            things, or the solve of another system, or stages none of which can be
            read.

    Warns:
        UserWarning: if the latest stage is not readable and the one before is taken,
            or if it was written by other versions of JAX or of this library.

    Examples:
        >>> import tempfile
        >>> import jax.numpy as jnp
        >>> from hyperlimit.linalg.checkpoints import Checkpoints
        >>> from hyperlimit.linalg.operators import Dense
        >>> from hyperlimit.linalg.solvers import conjugate_gradients
        >>> system = Dense(jnp.diag(jnp.arange(1.0, 9.0))), jnp.ones((8, 1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     keeper = Checkpoints(folder, seconds=0.0)
        ...     one = conjugate_gradients(*system, tolerance=1e-4, keeper=keeper)
        ...     two = conjugate_gradients(*system, tolerance=1e-4, keeper=keeper)
        >>> bool((one.vectors == two.vectors).all())
        True
    """

    def __init__(
        self, folder: str | PathLike[str], *, seconds: float = 60.0, every: int = 1
    ):
        if not seconds >= 0 or every < 1:
            raise InputError(
                f"seconds={seconds!r} and every={every!r} were given: give at least 0 "
                "seconds and 1 chunk."
            )
        self._folder = Path(folder).absolute()
        self._seconds, self._every = seconds, every
        self._manager: Any = None
        self._chunks, self._moment, self._step = 0, 0.0, 0
        self._latest: Stage | None = None

    def restored(self, system: System, first: Stage) -> Stage | None:
        """The latest readable stage of this system, or None."""
        self._open(fingerprint(system))
        self._chunks, self._moment = 0, time.monotonic()
        steps = sorted(self._manager.all_steps(), reverse=True)
        self._step = steps[0] if steps else 0
        for step in steps:
            found = self._read(step, first)
            if found is not None:
                # What is not readable would stay among the two latest.
                for other in (s for s in steps if s > step):
                    self._manager.delete(other)
                self._latest = found
                return found
            warnings.warn(
                f"the checkpoint {str(self._folder / str(step))!r} is not readable: "
                "the one before it is taken, if there is one",
                stacklevel=3,
            )
        if steps:
            raise InputError(
                f"none of the checkpoints {sorted(steps)} in {str(self._folder)!r} can "
                "be read: remove the folder to begin anew."
            )
        return None

    def keep(self, stage: Stage) -> None:
        """Writes the stage, if it is time, while the solve goes on."""
        self._chunks += 1
        if self._due():
            self._write(stage)

    def finish(self, last: Stage | None) -> None:
        """Writes the last stage, and waits until all is there."""
        if last is not None and last is not self._latest:
            self._write(last)
        with quiet():
            self._manager.wait_until_finished()
            self._manager.close()

    def _due(self) -> bool:
        late = time.monotonic() - self._moment >= self._seconds
        # A solve does not wait for a slow disk: the next chunk is as good.
        free = not self._manager.is_saving_in_progress()
        due = late and self._chunks >= self._every and free
        if jax.process_count() > 1:
            # Clocks differ, and all write or none.
            due = bool(multihost_utils.broadcast_one_to_all(np.asarray(due)))
        return due

    def _open(self, here: dict[str, Any]) -> None:
        """Makes the folder, or sees that it is this system's."""
        check_folder(self._folder, here)
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("the folder of checkpoints is seen")
        if jax.process_index() == 0:
            mark_folder(self._folder, here)
        orbax = _orbax()
        options = orbax.CheckpointManagerOptions(max_to_keep=_KEPT)
        with quiet():
            self._manager = orbax.CheckpointManager(self._folder, options=options)

    def _write(self, stage: Stage) -> None:
        orbax, arrays = _orbax(), _arrays(stage)
        about = {
            "rows": len(stage.record),
            "condition": stage.condition,
            "digests": digests(arrays),
            "versions": versions(),
        }
        self._step += 1
        with quiet(), jax.enable_x64(True):
            self._manager.save(
                self._step,
                args=orbax.args.Composite(
                    about=orbax.args.JsonSave(about),
                    stage=orbax.args.StandardSave(jax.tree.map(_written, arrays)),
                ),
            )
        self._chunks, self._moment, self._latest = 0, time.monotonic(), stage

    def _read(self, step: int, first: Stage) -> Stage | None:
        """A stage, or None if it is not there whole."""
        orbax = _orbax()
        # Whatever is wrong with a file, the reader may say so by any exception.
        try:
            with quiet_reading(self._folder):
                about = self._manager.restore(
                    step, args=orbax.args.Composite(about=orbax.args.JsonRestore())
                ).about
                record = np.zeros((about["rows"], *first.record.shape[1:]))
                like = _arrays(eqx.tree_at(lambda s: s.record, first, record))
                # Else numbers in double precision lose half their digits.
                with jax.enable_x64(True):
                    arrays = self._manager.restore(
                        step,
                        args=orbax.args.Composite(
                            # Padding at the end is put on or left out.
                            stage=orbax.args.StandardRestore(
                                jax.tree.map(_abstract, like), strict=False
                            )
                        ),
                    ).stage
                    arrays = jax.tree.map(_placed, arrays, like)
            whole = digests(arrays) == about["digests"]
        except Exception:
            whole = False
        if not whole:
            forget()
        if not _agreed(whole):
            return None
        tell_versions(about["versions"])
        state = jax.tree.unflatten(jax.tree.structure(first.state), arrays["state"])
        return Stage(
            arrays["answer"],
            arrays["true"],
            state,
            arrays["record"][1:],
            float(about["condition"]),
        )


def _arrays(stage: Stage) -> dict[str, Any]:
    # Orbax writes no array without entries: the record begins with a row of its own.
    row = np.zeros((1, *stage.record.shape[1:]))
    return {
        "answer": stage.answer,
        "true": stage.true,
        "state": jax.tree.leaves(stage.state),
        "record": np.concatenate([row, stage.record]),
    }


def _is_own(leaf: Any) -> bool:
    """Whether it is an array of this one of several processes, as each has its own."""
    mine = isinstance(leaf, jax.Array) and leaf.is_fully_addressable
    return mine and jax.process_count() > 1


def _written(leaf: Any) -> Any:
    # Orbax takes arrays of all processes, and NumPy's, which the first one writes.
    return np.asarray(leaf) if _is_own(leaf) else leaf


def _abstract(leaf: Any) -> Any:
    if _is_own(leaf):
        return np.zeros(leaf.shape, leaf.dtype)
    if isinstance(leaf, jax.Array):
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding)
    return leaf


def _placed(found: Any, like: Any) -> Any:
    return jax.device_put(found, like.sharding) if _is_own(like) else found


def _agreed(own: bool) -> bool:
    """Whether all processes say so."""
    if jax.process_count() == 1:
        return own
    return bool(np.all(multihost_utils.process_allgather(np.asarray(own))))


def _orbax() -> Any:
    """Orbax, when it is needed: importing it takes half a second."""
    import orbax.checkpoint

    return orbax.checkpoint
