"""Every study by its name."""

import importlib

from hyperlimit.errors import InputError
from hyperlimit.studies._study import Study

# The module that holds each as STUDY: imported when it is asked for.
STUDIES: dict[str, str] = {
    "kernel-convergence": "hyperlimit.studies.kernel_convergence",
    "rotation": "hyperlimit.studies.rotation",
    "taylor-exponents": "hyperlimit.studies.taylor_exponents",
    "pi-limit": "hyperlimit.studies.pi_limit",
    "optimisation": "hyperlimit.studies.optimisation",
    "width-transfer": "hyperlimit.studies.width_transfer",
    "few-shot": "hyperlimit.studies.few_shot",
    "word2vec": "hyperlimit.studies.word2vec",
}


def study(name: str) -> Study:
    """The study of a name.

    Raises:
        InputError: if there is none.
    """
    if name not in STUDIES:
        raise InputError(
            f"the study {name!r} is not known: give one of {', '.join(STUDIES)}."
        )
    return importlib.import_module(STUDIES[name]).STUDY


def all_studies() -> tuple[Study, ...]:
    """Every study, in the order of the registry."""
    return tuple(study(name) for name in STUDIES)
