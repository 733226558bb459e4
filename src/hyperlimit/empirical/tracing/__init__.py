"""Functions read as equations: where parameters enter, and what becomes of them."""

from hyperlimit.empirical.tracing._entries import Entry, Landing, Product
from hyperlimit.empirical.tracing._traced import Observed, Traced

__all__ = ["Entry", "Landing", "Observed", "Product", "Traced"]
