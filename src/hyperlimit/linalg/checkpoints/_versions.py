"""With what a stage was written."""

import warnings
from importlib.metadata import PackageNotFoundError, version

import jax


def versions() -> dict[str, str]:
    """Of this library and of JAX."""
    try:
        own = version("hyperlimit")
    except PackageNotFoundError:
        own = "not installed"
    return {"hyperlimit": own, "jax": jax.__version__}


def tell_versions(kept: dict[str, str]) -> None:
    """Warns where those that a stage was written with are others."""
    here = versions()
    for name in here:
        if kept[name] != here[name]:
            warnings.warn(
                f"the checkpoint was written with {name} {kept[name]} and goes on with "
                f"{here[name]}: the last digits may differ",
                stacklevel=6,
            )
