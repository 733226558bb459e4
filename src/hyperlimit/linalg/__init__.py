"""Linear algebra that knows nothing of networks."""

from hyperlimit.linalg._gaps import gaps, squared_distances
from hyperlimit.linalg._jittered_cholesky import jittered_cholesky
from hyperlimit.linalg._ridged_cholesky import ridged_cholesky
from hyperlimit.linalg._rows import Rows, rows
from hyperlimit.linalg._tiles import TILE, is_traced, tiled, tiled_symmetric
from hyperlimit.linalg._windows import Windows, sliding

__all__ = [
    "TILE",
    "Rows",
    "Windows",
    "gaps",
    "is_traced",
    "jittered_cholesky",
    "ridged_cholesky",
    "rows",
    "sliding",
    "squared_distances",
    "tiled",
    "tiled_symmetric",
]
