"""Our side of finite_batch.py, run by it: one JSON line in, one out."""

import ctypes
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

import hyperlimit as hl

SPEC = hl.Hypernetwork(
    meta=hl.mlp(depth=3, width=256, bias_std=0.1),
    primary=hl.mlp(depth=3, width=64, bias_std=0.1, out=1),
)
RATE = 1e-3
PRODUCT, COPIED = 1024, 2**24


class Problem(NamedTuple):
    """Images x pixels: one x an image, the same z for all."""

    x: Array
    z: Array
    y: Array


def drawn(images: int, points: int, inputs: int) -> Problem:
    draw = np.random.default_rng(0)
    return Problem(
        jnp.asarray(draw.standard_normal((images, inputs)), jnp.float32),
        jnp.asarray(draw.uniform(-1, 1, (points, 2)), jnp.float32),
        jnp.asarray(draw.uniform(size=(images, points, 1)), jnp.float32),
    )


# --- Ways to write a batch --------------------------------------------------------


def ours(net, x: Array, z: Array) -> Array:
    return net.batch(x, z)


def vmapped(net, x: Array, z: Array) -> Array:
    return jax.vmap(lambda one: jax.vmap(net.primary(one))(z))(x)


def mapped(net, x: Array, z: Array) -> Array:
    flat = jax.vmap(net.meta)(x)
    return jax.lax.map(lambda one: jax.vmap(net.written(one))(z), flat)


FORMS = {"hyperlimit": ours, "jax.vmap": vmapped, "jax.lax.map": mapped}


def described(problem: Problem):
    return hl.init(SPEC, key=jax.random.key(0), x=problem.x.shape[1], z=2)


def hypernetized(problem: Problem):
    key = jax.random.key(0)
    primary = eqx.nn.MLP(2, 1, width_size=64, depth=2, key=key)
    meta = hl.mlp(depth=3, width=256, bias_std=0.1)
    x = problem.x.shape[1]
    return hl.hypernetize(primary, where=eqx.nn.Linear, meta=meta, x=x, key=key)


class Case:
    """Compiled calls on one network."""

    def __init__(self, problem: Problem, net, outputs: Callable):
        arrays, rest = eqx.partition(net, eqx.is_inexact_array)
        optimiser = optax.adam(RATE)

        def forward(arrays, x: Array, z: Array) -> Array:
            return outputs(eqx.combine(arrays, rest), x, z)

        def loss(arrays, x: Array, z: Array, y: Array) -> Array:
            return jnp.mean((forward(arrays, x, z) - y) ** 2)

        def step(arrays, state, x: Array, z: Array, y: Array):
            value, gradient = jax.value_and_grad(loss)(arrays, x, z, y)
            change, state = optimiser.update(gradient, state)
            return optax.apply_updates(arrays, change), state, value

        self._problem, self._arrays = problem, arrays
        self._state = optimiser.init(arrays)
        x, z, y = problem
        self._forward = jax.jit(forward).lower(arrays, x, z).compile()
        gradient = jax.jit(jax.value_and_grad(loss))
        self._gradient = gradient.lower(arrays, x, z, y).compile()
        donated = jax.jit(step, donate_argnums=(0, 1))
        self._step = donated.lower(arrays, self._state, x, z, y).compile()
        self.temporary = {
            name: compiled.memory_analysis().temp_size_in_bytes
            for name, compiled in (
                ("forward", self._forward),
                ("gradient", self._gradient),
                ("step", self._step),
            )
        }
        self.parameters = sum(leaf.size for leaf in jax.tree.leaves(arrays))

    def forward(self) -> object:
        return self._forward(self._arrays, self._problem.x, self._problem.z)

    def gradient(self) -> object:
        return self._gradient(self._arrays, *self._problem)

    def step(self) -> object:
        found = self._step(self._arrays, self._state, *self._problem)
        self._arrays, self._state, value = found
        return value


class Rates:
    """What the machine does at its best: products, and copies of long arrays."""

    def __init__(self):
        self._square = jnp.ones((PRODUCT, PRODUCT), jnp.float32)
        self._long = jnp.ones(COPIED, jnp.float32)
        self._product = jax.jit(jnp.matmul)
        self._copy = jax.jit(lambda a: a + 1, donate_argnums=0)

    def product(self) -> object:
        return self._product(self._square, self._square)

    def copy(self) -> object:
        self._long = self._copy(self._long)
        return self._long


# --- Primaries of a million numbers, below a ceiling ------------------------------


def large(head: str, problem: Problem, ceiling: str | None) -> Case:
    """A million generated numbers for each x, described or by a head."""
    width, key, x = 706, jax.random.key(0), problem.x.shape[1]
    meta = hl.mlp(depth=2, width=32, bias_std=0.1)
    if head == "described":
        primary = hl.mlp(depth=4, width=width, bias_std=0.1, out=1)
        net = hl.init(hl.Hypernetwork(meta, primary), key=key, x=x, z=2)
    else:
        module = eqx.nn.MLP(2, 1, width_size=width, depth=3, key=key)
        net = hl.hypernetize(
            module, where=eqx.nn.Linear, meta=meta, x=x, key=key, head=head
        )
    return Case(problem, net, lambda n, x, z: n.batch(x, z, memory=ceiling))


# --- Answers ----------------------------------------------------------------------


def resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return 1024 * int(line.split()[1])
    raise LookupError(field)


def peak(call: Callable[[], object]) -> int:
    """The most memory of a few calls beyond what was in use before them."""
    if jax.default_backend() != "cpu":
        device = jax.local_devices()[0]
        before = device.memory_stats()["bytes_in_use"]
        jax.block_until_ready(call())
        # Counted from the start of the process, in which nothing else ran.
        return device.memory_stats()["peak_bytes_in_use"] - before
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    for _ in range(3):
        jax.block_until_ready(call())
    return resident("VmHWM") - before


def cases(settings: dict, problem: Problem) -> dict[str, Case | Rates]:
    if "head" in settings:
        case = large(settings["head"], problem, settings["ceiling"])
        return {"large": case}
    found: dict[str, Case | Rates] = {
        name: Case(problem, described(problem), form) for name, form in FORMS.items()
    }
    found["hypernetize"] = Case(problem, hypernetized(problem), ours)
    found["rates"] = Rates()
    wanted = settings["cases"]
    return {name: found[name] for name in wanted or found}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    settings = json.loads(sys.stdin.readline())
    problem = drawn(settings["images"], settings["points"], settings["inputs"])
    every = cases(settings, problem)
    facts = {
        name: {"temporary": case.temporary, "parameters": case.parameters}
        for name, case in every.items()
        if isinstance(case, Case)
    }
    versions = {"jax": jax.__version__, "device": jax.default_backend()}
    print(json.dumps({"cases": facts, "versions": versions}), file=answers)
    for line in sys.stdin:
        command = json.loads(line)
        call = getattr(every[command["case"]], command["what"])
        if command.get("memory"):
            jax.block_until_ready(call())
            print(json.dumps({"peak": peak(call)}), file=answers)
            continue
        start = time.perf_counter()
        jax.block_until_ready(call())
        print(json.dumps({"seconds": time.perf_counter() - start}), file=answers)


if __name__ == "__main__":
    main()
