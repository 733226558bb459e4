"""Linear algebra that knows nothing of networks."""

from hyperlimit.linalg._gaps import gaps, squared_distances
from hyperlimit.linalg._rows import Rows, rows

__all__ = ["Rows", "gaps", "rows", "squared_distances"]
