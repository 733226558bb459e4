"""By what a linear system is known again."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jaxtyping import Array, Float

from hyperlimit.linalg.checkpoints._digest import digests
from hyperlimit.linalg.operators import AbstractOperator, Shifted
from hyperlimit.linalg.sharded import ShardedKroneckerInverse, ShardedKroneckerSum
from hyperlimit.linalg.solvers import System

# Rows and columns of the operator that are looked at.
_ROWS = 16
# Rounding units that its entries and its ridge may differ by: they may have been
# computed on another number of devices.
_ROUNDINGS = 1000


def fingerprint(system: System) -> dict[str, Any]:
    """What is told of a system, as plain data.

    The right-hand side enters whole, by a digest. Of the operator: a block of its
    entries, its diagonal's among them, and the ridge; of the preconditioner: its kind
    and its shape. All of it is the same on any number of processes, but for rounding:
    padding does not count. Cost: the block, and a look at the right-hand side.
    """
    operator, right = system.operator, system.right
    size = _size(operator)
    rows = np.sort(np.random.default_rng(0).permutation(size)[:_ROWS]).astype(np.int32)
    with jax.enable_x64(right.dtype == np.float64 or operator.dtype == np.float64):
        entries = on_host(_block(operator, jnp.asarray(rows)))
        ridge = operator.shift if isinstance(operator, Shifted) else None
        return {
            "right-hand side": {
                "shape": [size, right.shape[1]],
                "dtype": str(right.dtype),
                "digest": digests(right),
            },
            "operator": {"shape": [size, size], "dtype": str(operator.dtype)},
            "preconditioner": _kind(system.preconditioner),
            "entries": entries.astype(np.float64).reshape(-1).tolist(),
            "ridge": None if ridge is None else float(on_host(ridge)),
        }


def difference(kept: dict[str, Any], here: dict[str, Any]) -> str | None:
    """In what two systems differ, in words, or None."""
    for name in ("operator", "right-hand side", "preconditioner"):
        if kept[name] != here[name]:
            changed = [
                key for key in here[name] if kept[name].get(key) != here[name][key]
            ]
            words = (
                f"{key} {kept[name].get(key)} and not {here[name][key]}"
                for key in changed
                if key != "digest"
            )
            return f"its {name} has " + (", ".join(words) or "other values")
    close = _ROUNDINGS * float(jnp.finfo(here["operator"]["dtype"]).eps)
    old, new = (np.asarray(one["ridge"], np.float64) for one in (kept, here))
    # A number that is missing is not one, and near to none.
    if kept["ridge"] != here["ridge"] and not abs(old - new) <= close * abs(old):
        return f"its ridge is {kept['ridge']} and not {here['ridge']}"
    old, new = (np.asarray(one["entries"]) for one in (kept, here))
    if not np.abs(old - new).max() <= close * np.abs(old).max():
        return f"entries of its operator differ by {np.abs(old - new).max():.1e}"
    return None


def on_host(array: Array) -> np.ndarray:
    """An array as every process has it, wherever its parts are."""
    if array.is_fully_addressable or array.is_fully_replicated:
        return np.asarray(array)
    return np.asarray(multihost_utils.process_allgather(array, tiled=True))


@eqx.filter_jit
def _block(operator: AbstractOperator, rows: Array) -> Float[Array, "a a"]:
    return operator.block(rows, rows)


def _size(operator: AbstractOperator) -> int:
    """Its rows, without those of padding."""
    inner = operator.operator if isinstance(operator, Shifted) else operator
    if isinstance(inner, ShardedKroneckerSum | ShardedKroneckerInverse):
        return inner.layout.unpadded(inner.shape[0])
    return operator.shape[0]


def _kind(preconditioner: AbstractOperator | None) -> dict[str, Any]:
    if preconditioner is None:
        return {"name": "none", "shape": []}
    # Dealt out to the devices it is the same one.
    name = type(preconditioner).__name__.removeprefix("Sharded")
    return {"name": name, "shape": [_size(preconditioner)] * 2}
