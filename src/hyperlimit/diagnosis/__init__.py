"""Why a hypernetwork does not train, and what to change."""

from hyperlimit.diagnosis._advice import Advice
from hyperlimit.diagnosis._diagnose import Diagnosis, diagnose

__all__ = ["Advice", "Diagnosis", "diagnose"]
