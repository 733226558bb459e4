"""Compiled functions, kept from one run of the suite to the next.

Most of the suite's time is XLA's. JAX finds a compiled function on disk by what was to
be compiled, with what options and versions, but does not write it atomically, and a
suite has several processes: each works on a copy of its own, in hard links, and shares
what it has added when its run ends.
"""

import os
import tempfile
from pathlib import Path

import jax

KEPT = Path(__file__).parents[1] / ".cache" / "compiled"


def open_cache() -> tempfile.TemporaryDirectory:
    """Lets JAX find everything that is kept."""
    KEPT.mkdir(parents=True, exist_ok=True)
    own = tempfile.TemporaryDirectory(dir=KEPT.parent, prefix="in-use-")
    for entry in KEPT.iterdir():
        os.link(entry, Path(own.name) / entry.name)
    jax.config.update("jax_compilation_cache_dir", own.name)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    # Else the name of the folder is part of what is looked for.
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
    return own


def close_cache(own: tempfile.TemporaryDirectory) -> None:
    """Keeps what was added."""
    for entry in Path(own.name).iterdir():
        if not (KEPT / entry.name).exists():
            entry.replace(KEPT / entry.name)
    own.cleanup()
