"""How the scale of a weight is shared out, and generated ones start, as tables."""

from hyperlimit.parametrisation._generated_parameter import GeneratedParameter
from hyperlimit.parametrisation._initialisation import (
    INITIALISATIONS,
    SMALL,
    Initialisation,
    initialisation,
)
from hyperlimit.parametrisation._parameter import Parameter
from hyperlimit.parametrisation._table import (
    PARAMETRISATIONS,
    Parametrisation,
    parametrisation,
)

__all__ = [
    "INITIALISATIONS",
    "PARAMETRISATIONS",
    "SMALL",
    "GeneratedParameter",
    "Initialisation",
    "Parameter",
    "Parametrisation",
    "initialisation",
    "parametrisation",
]
