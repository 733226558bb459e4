"""Where a result comes from: versions, commit, machine."""

import contextlib
import os
import platform
import resource
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jax

import hyperlimit

_PACKAGES = ("jax", "jaxlib", "equinox", "optax", "numpy", "scikit-learn")


def provenance() -> dict[str, object]:
    """Versions, the commit of a source checkout, and the machine, as plain data."""
    return {
        "hyperlimit": hyperlimit.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": _versions(),
        "device": str(jax.devices()[0].platform),
        "cores": os.cpu_count(),
    }


def _versions() -> dict[str, str]:
    """Those of the packages that are installed."""
    found = {}
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def peak_memory() -> int:
    """The largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _commit() -> str | None:
    folder = Path(hyperlimit.__file__).parent
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
