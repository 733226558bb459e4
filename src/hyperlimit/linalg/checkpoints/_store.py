"""The latest of a series of trees of arrays, in a folder."""

import time
import warnings
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, final

import jax
import numpy as np
from jax.experimental import multihost_utils
from jaxtyping import PyTree

from hyperlimit.errors import InputError
from hyperlimit.linalg.checkpoints._digest import digests
from hyperlimit.linalg.checkpoints._folder import Kind, check_folder, mark_folder
from hyperlimit.linalg.checkpoints._quiet import forget, quiet, quiet_reading
from hyperlimit.linalg.checkpoints._versions import tell_versions, versions

# Trees that stay in the folder.
_KEPT = 2

About = dict[str, Any]


@final
class Store:
    """Trees of arrays in a folder, the two latest, each there whole or not at all.

    `open` it for one problem, read the `latest`, `write` others whenever it is `due`,
    and `close` it. Writing goes on after `write` has returned: the arrays must keep
    their values. Every tree has a checksum, and plain data about it.

    Args:
        folder: where; made if it is not there. One folder holds one problem.
        seconds: the least time between two trees.
        every: so many times at least `due` is asked between two trees.
    """

    def __init__(self, folder: str | PathLike[str], seconds: float, every: int):
        self.folder = Path(folder).absolute()
        self._seconds, self._every = seconds, every
        self._manager: Any = None
        self._asked, self._moment, self._step = 0, 0.0, 0

    def open(self, kind: Kind, here: dict[str, Any]) -> None:
        """Makes the folder, or sees that it is this problem's.

        Raises:
            InputError: if it is another's, or holds other things.
        """
        check_folder(self.folder, kind, here)
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("the folder of checkpoints is seen")
        if jax.process_index() == 0:
            mark_folder(self.folder, kind, here)
        orbax = _orbax()
        options = orbax.CheckpointManagerOptions(max_to_keep=_KEPT)
        with quiet():
            self._manager = orbax.CheckpointManager(self.folder, options=options)
        self._asked, self._moment = 0, time.monotonic()

    def latest(self, like: Callable[[About], PyTree]) -> tuple[PyTree, About] | None:
        """The latest readable tree and what is said about it, or None.

        Args:
            like: what is said about a tree to one of its shapes, types and placement.

        Raises:
            InputError: if there are some and none can be read.
        """
        steps = sorted(self._manager.all_steps(), reverse=True)
        self._step = steps[0] if steps else 0
        for step in steps:
            found = self._read(step, like)
            if found is not None:
                # What is not readable would stay among the two latest.
                for other in (s for s in steps if s > step):
                    self._manager.delete(other)
                return found
            warnings.warn(
                f"the checkpoint {str(self.folder / str(step))!r} is not readable: "
                "the one before it is taken, if there is one",
                stacklevel=4,
            )
        if steps:
            raise InputError(
                f"none of the checkpoints {sorted(steps)} in {str(self.folder)!r} can "
                "be read: remove the folder to begin anew."
            )
        return None

    def due(self) -> bool:
        """Whether it is time to write."""
        self._asked += 1
        late = time.monotonic() - self._moment >= self._seconds
        # What is kept does not wait for a slow disk: the next time is as good.
        free = not self._manager.is_saving_in_progress()
        due = late and self._asked >= self._every and free
        if jax.process_count() > 1:
            # Clocks differ, and all write or none.
            due = bool(multihost_utils.broadcast_one_to_all(np.asarray(due)))
        return due

    def write(self, tree: PyTree, about: About) -> None:
        """Begins to write a tree, and plain data about it."""
        orbax = _orbax()
        said = about | {"digests": digests(tree), "versions": versions()}
        self._step += 1
        with quiet(), jax.enable_x64(True):
            self._manager.save(
                self._step,
                args=orbax.args.Composite(
                    about=orbax.args.JsonSave(said),
                    stage=orbax.args.StandardSave(jax.tree.map(_written, tree)),
                ),
            )
        self._asked, self._moment = 0, time.monotonic()

    def close(self) -> None:
        """Waits until all is there."""
        if self._manager is None:
            return
        with quiet():
            self._manager.wait_until_finished()
            self._manager.close()

    def _read(
        self, step: int, like: Callable[[About], PyTree]
    ) -> tuple[PyTree, About] | None:
        """A tree, or None if it is not there whole."""
        orbax = _orbax()
        # Whatever is wrong with a file, the reader may say so by any exception.
        try:
            with quiet_reading(self.folder):
                about = self._manager.restore(
                    step, args=orbax.args.Composite(about=orbax.args.JsonRestore())
                ).about
                # Else numbers in double precision lose half their digits.
                with jax.enable_x64(True):
                    wanted = like(about)
                    tree = self._manager.restore(
                        step,
                        args=orbax.args.Composite(
                            # Padding at the end is put on or left out.
                            stage=orbax.args.StandardRestore(
                                jax.tree.map(_abstract, wanted), strict=False
                            )
                        ),
                    ).stage
                    tree = jax.tree.map(_placed, tree, wanted)
            whole = digests(tree) == about["digests"]
        except Exception:
            whole = False
        if not whole:
            forget()
        if not _agreed(whole):
            return None
        tell_versions(about["versions"])
        return tree, about


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
