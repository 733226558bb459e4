"""Settings of the whole suite: precision, strictness of JAX, and checked types.

`HYPERLIMIT_TEST_PRECISION=float32` runs everything in single precision, and as XLA
compiles by itself; in double precision it leaves its optimisations out.
"""

import gc
import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path

import jaxtyping
import pytest

# Before JAX starts a backend, and before anything imports pyplot.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["MPLBACKEND"] = "Agg"

import jax
import jax.numpy as jnp

import batched_factorisations
from compiled_once import close_cache, open_cache

PRECISION = os.environ.get("HYPERLIMIT_TEST_PRECISION", "float64")
if PRECISION not in ("float32", "float64"):
    raise pytest.UsageError(
        f"HYPERLIMIT_TEST_PRECISION={PRECISION!r}: give float32 or float64."
    )

# Compiling is most of the suite's time: without optimisations it is a third.
UNOPTIMISED = [
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_parallel_codegen_split_count=1",
]
if version("jaxlib").startswith("0.10."):
    # Others do not know it, and XLA ends the process for a flag it does not know.
    UNOPTIMISED.append("--xla_cpu_use_fusion_emitters=false")
if PRECISION == "float64":
    os.environ.setdefault("XLA_FLAGS", " ".join(UNOPTIMISED))

# Two processes with two threads each, on two cores, are a tenth slower than one each.
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
if CORES and WORKERS == len(CORES) > 1:
    worker = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    os.sched_setaffinity(0, {CORES[worker]})

batched_factorisations.refuse()

jax.config.update("jax_enable_x64", PRECISION == "float64")
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

# Shapes and types are checked at every call; this must precede the first import.
jaxtyping.install_import_hook("hyperlimit", "beartype.beartype")
# Laws are asserted in modules that are not test files themselves.
pytest.register_assert_rewrite("laws")


CACHE = pytest.StashKey()


def pytest_sessionstart(session: pytest.Session) -> None:
    # With workers, the process that hands out the tests runs none.
    if not session.config.getoption("numprocesses", None):
        session.stash[CACHE] = open_cache()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if CACHE in session.stash:
        close_cache(session.stash[CACHE])


def pytest_collection_finish() -> None:
    """Takes what the imports made out of every later collection of garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="module")
def all_cores() -> Generator[None, None, None]:
    """What this process starts may use every core."""
    if not CORES:
        yield
        return
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, CORES)
    yield
    os.sched_setaffinity(0, own)


# Linux gives a process 65,530 maps of memory, and ends it when it asks for more.
MOST_MAPS = 30_000


@pytest.fixture(autouse=True, scope="module")
def few_compiled_functions() -> Generator[None, None, None]:
    """Forgets what was compiled when it takes many maps of memory."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()
        gc.collect()


# Files of few and slow tests: begun last, one worker would wait for the other.
FIRST = ("studies", "regression", "meta_wide", "diagnosis", "examples", "docs", "cli")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent.name not in FIRST)
    if PRECISION == "float64":
        return
    for item in items:
        marker = item.get_closest_marker("float64_only")
        if marker is not None:
            why = marker.kwargs.get("reason", "needs more digits than float32 has")
            item.add_marker(pytest.mark.skip(reason=f"float64 only: {why}"))


@pytest.fixture(scope="session")
def tolerance() -> float:
    """The error that a number of order one may have after a chain of operations."""
    return {"float64": 1e-12, "float32": 1e-5}[PRECISION]


@pytest.fixture(scope="session")
def epsilon() -> float:
    """The spacing of numbers above one."""
    return float(jnp.finfo(PRECISION).eps)


Refuses = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def refuses() -> Refuses:
    """Expect an InputError of one sentence on one line that says all of `parts`."""

    @contextmanager
    def expectation(*parts: str) -> Generator[None, None, None]:
        # Only now: the import hook must come before the first import.
        from hyperlimit.errors import InputError

        with pytest.raises(InputError) as caught:
            yield
        message = str(caught.value)
        assert "\n" not in message
        assert ". " not in message.replace("... ", "")
        for part in parts:
            assert part in message

    return expectation


@pytest.fixture
def unchecked_types():
    """Calls as users make them, without beartype: for what is of another kind."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
