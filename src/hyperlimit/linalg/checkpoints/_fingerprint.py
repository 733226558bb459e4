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
from hyperlimit.linalg.solvers import System

# Rows and columns of the operator that are looked at.
_ROWS = 16
# Rounding units that its entries may differ by: they may have been computed on
# another number of devices.
_ROUNDINGS = 1000


def fingerprint(system: System) -> dict[str, Any]:
    """What is told of a system, as plain data.

    The right-hand side enters whole, by a digest. Of the operator: a block of its
    entries, its diagonal's among them, and the ridge; of the preconditioner: its kind
    and its shape. Cost: the block, and a look at the right-hand side.
    """
    operator, right = system.operator, system.right
    rows = np.sort(
        np.random.default_rng(0).permutation(operator.shape[0])[:_ROWS]
    ).astype(np.int32)
    with jax.enable_x64(right.dtype == np.float64 or operator.dtype == np.float64):
        entries = on_host(_block(operator, jnp.asarray(rows)))
        ridge = operator.shift if isinstance(operator, Shifted) else None
        return {
            "right-hand side": {
                "shape": list(right.shape),
                "dtype": str(right.dtype),
                "digest": digests(right),
            },
            "operator": {"shape": list(operator.shape), "dtype": str(operator.dtype)},
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
    epsilon = float(jnp.finfo(here["operator"]["dtype"]).eps)
    if kept["ridge"] != here["ridge"]:
        return f"its ridge is {kept['ridge']} and not {here['ridge']}"
    old, new = (np.asarray(one["entries"]) for one in (kept, here))
    if not np.abs(old - new).max() <= _ROUNDINGS * epsilon * np.abs(old).max():
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


def _kind(preconditioner: AbstractOperator | None) -> dict[str, Any]:
    if preconditioner is None:
        return {"name": "none", "shape": []}
    name, shape = type(preconditioner).__name__, preconditioner.shape
    return {"name": name, "shape": list(shape)}
