"""Published systems and experiments, one folder each."""

from hyperlimit.studies._registry import STUDIES, all_studies, study
from hyperlimit.studies._reporter import Reporter, Silent
from hyperlimit.studies._run_study import run_study
from hyperlimit.studies._study import Finding, Findings, Study, StudyConfig

__all__ = [
    "STUDIES",
    "Finding",
    "Findings",
    "Reporter",
    "Silent",
    "Study",
    "StudyConfig",
    "all_studies",
    "run_study",
    "study",
]
