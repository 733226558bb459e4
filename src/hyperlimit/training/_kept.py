"""A training that is kept in a folder."""

import hashlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from hyperlimit.linalg.checkpoints import Kind, Store, digests
from hyperlimit.training._record import Record
from hyperlimit.training._steps import Problem, State, advanced


def opened(
    store: Store, problem: Problem, state: State, validation: PyTree
) -> tuple[State, Record] | None:
    """Makes the folder or sees that it is this training's; where it was ended."""
    store.open(_TRAINING, _description(problem, state, validation))
    found = store.latest(lambda about: _template(state, about))
    if found is None:
        return None
    tree, about = found
    record = Record(
        about["step"],
        [tree["losses"][1:]],
        [(int(step), float(loss)) for step, loss in tree["validation"][1:]],
        _from_host(tree["best"], state.trained) if "best" in tree else None,
        about["best_step"],
        about["stale"],
        about["seconds"],
    )
    return _from_host(tree["state"], state), record


def keep(store: Store, state: State, record: Record, seconds: float) -> None:
    """Writes where a training stands, while it goes on."""
    losses = np.concatenate([np.zeros(1), *record.losses])
    tree: dict[str, Any] = {
        "state": _on_host(state),
        "losses": losses,
        # Orbax writes no array without entries: both begin with a row of their own.
        "validation": np.array([(0, 0), *record.validation], float),
    }
    if record.best is not None:
        tree["best"] = _on_host(record.best)
    about = {
        "step": record.step,
        "looks": len(record.validation),
        "best_step": record.best_step,
        "stale": record.stale,
        "seconds": seconds,
    }
    store.write(tree, about)


def _template(state: State, about: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "state": _on_host(state),
        "losses": np.zeros(1 + about["step"]),
        "validation": np.zeros((1 + about["looks"], 2)),
    }
    if about["looks"]:
        tree["best"] = _on_host(state.trained)
    return tree


def _on_host(tree: PyTree) -> list[np.ndarray]:
    """Arrays of their own: those on the device become the next state's."""
    return [np.array(_plain(leaf)) for leaf in jax.tree.leaves(tree)]


def _from_host(arrays: list[np.ndarray], like: PyTree) -> PyTree:
    def back(array: np.ndarray, leaf: Array) -> Array:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            impl = jax.random.key_impl(leaf)
            return jax.random.wrap_key_data(jnp.array(array), impl=impl)
        return jnp.array(array)

    leaves, structure = jax.tree.flatten(like)
    return structure.unflatten(map(back, arrays, leaves))


def _plain(leaf: Any) -> Any:
    is_key = jnp.issubdtype(getattr(leaf, "dtype", bool), jax.dtypes.prng_key)
    return jax.random.key_data(leaf) if is_key else leaf


def _description(problem: Problem, state: State, validation: PyTree) -> dict[str, Any]:
    """What is told of a training, as plain data.

    Of its arrays shapes, types and checksums; of the loss, the optimiser and the
    network's functions, which cannot be compared, the program that they compile to.
    """
    network = (state.trained, eqx.filter(problem.rest, eqx.is_array))
    compiled: Any = advanced
    program = compiled.lower((problem, jnp.asarray(1, jnp.int32)), state).as_text()
    return {
        "network": _arrays(network),
        "data": _arrays(problem.data),
        "validation data": _arrays(validation),
        "optimiser": _arrays(state.optimiser),
        "key": _arrays(problem.key),
        "batch size": problem.batch_size,
        "program": hashlib.sha256(program.encode()).hexdigest(),
        "jax": jax.__version__,
    }


def _arrays(tree: PyTree) -> dict[str, Any]:
    arrays = _on_host(eqx.filter(tree, eqx.is_array))
    return {
        "shapes": [[str(a.dtype), *a.shape] for a in arrays],
        "digests": digests(arrays),
    }


def _difference(kept: dict[str, Any], here: dict[str, Any]) -> str | None:
    """In what two trainings differ, in words, or None."""
    if kept["batch size"] != here["batch size"]:
        return f"its batch size is {kept['batch size']} and not {here['batch size']}"
    for name in ("network", "data", "validation data", "optimiser", "key"):
        if kept[name]["shapes"] != here[name]["shapes"]:
            return f"its {name} has arrays of other shapes or types"
        if kept[name]["digests"] != here[name]["digests"]:
            return f"its {name} has other values"
    # Other versions may compile the same functions to another program.
    if kept["jax"] == here["jax"] and kept["program"] != here["program"]:
        return "its loss, its optimiser or the network's functions are others"
    return None


_TRAINING = Kind("training", "problem", _difference)
