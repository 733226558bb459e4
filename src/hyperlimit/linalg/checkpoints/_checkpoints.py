"""Stages of a solve in a folder."""

from os import PathLike
from typing import Any, final

import equinox as eqx
import jax
import numpy as np

from hyperlimit.errors import InputError
from hyperlimit.linalg.checkpoints._fingerprint import difference, fingerprint
from hyperlimit.linalg.checkpoints._folder import Kind
from hyperlimit.linalg.checkpoints._store import About, Store
from hyperlimit.linalg.solvers import AbstractKeeper, Stage, System

SOLVE = Kind("solve", "system", difference)


@final
class Checkpoints(AbstractKeeper):
    r"""Keeps a solve in a folder, so that it can be ended at any moment and go on.

    Given to a solver as its `keeper`; or to `hyperlimit.train`, which keeps a training
    in the same way. Once in `seconds` the stage between two chunks of iterations (of
    steps, in a training, of half a second or so) is copied, and written while the solve
    goes on; a stage is there whole or not at all, and the two latest stay. Started
    again with the same system and the same folder, even after it was killed, the solve
    goes on from the latest stage and ends with the same answer, to the bit, as one that
    was never ended. After the end the folder holds the answer: started once more, the
    solve returns it at the price of its true residual. The tolerance and the most
    iterations may be others.

    With several processes (`jax.distributed`) the folder is one that all of them see.
    Of vectors that are dealt out each writes its own part; of a system that every
    process solves for itself the first writes its own. A solve may go on with another
    number of processes, and then ends with the same answer but for rounding.

    Args:
        folder: where; made if it is not there. One folder holds one solve.
        seconds: the least time between two stages.
        every: at least so many chunks lie between two stages.

    Attributes:
        store: the folder itself, for what is kept and is no solve.

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
        self.store = Store(folder, seconds, every)
        self._latest: Stage | None = None

    def restored(self, system: System, first: Stage) -> Stage | None:
        """The latest readable stage of this system, or None."""

        def like(about: About) -> dict[str, Any]:
            record = np.zeros((about["rows"], *first.record.shape[1:]))
            return _arrays(eqx.tree_at(lambda s: s.record, first, record))

        self.store.open(SOLVE, fingerprint(system))
        found = self.store.latest(like)
        if found is None:
            return None
        arrays, about = found
        state = jax.tree.unflatten(jax.tree.structure(first.state), arrays["state"])
        self._latest = Stage(
            arrays["answer"],
            arrays["true"],
            state,
            arrays["record"][1:],
            float(about["condition"]),
        )
        return self._latest

    def keep(self, stage: Stage) -> None:
        """Writes the stage, if it is time, while the solve goes on."""
        if self.store.due():
            self._write(stage)

    def finish(self, last: Stage | None) -> None:
        """Writes the last stage, and waits until all is there."""
        if last is not None and last is not self._latest:
            self._write(last)
        self.store.close()

    def _write(self, stage: Stage) -> None:
        about = {"rows": len(stage.record), "condition": stage.condition}
        self.store.write(_arrays(stage), about)
        self._latest = stage


def _arrays(stage: Stage) -> dict[str, Any]:
    # Orbax writes no array without entries: the record begins with a row of its own.
    row = np.zeros((1, *stage.record.shape[1:]))
    return {
        "answer": stage.answer,
        "true": stage.true,
        "state": jax.tree.leaves(stage.state),
        "record": np.concatenate([row, stage.record]),
    }
