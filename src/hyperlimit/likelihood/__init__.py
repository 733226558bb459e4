"""How likely targets are under a kernel, and the numbers that make them likeliest."""

from hyperlimit.likelihood._ascent import Step
from hyperlimit.likelihood._log_marginal_likelihood import (
    LogLikelihood,
    log_marginal_likelihood,
)
from hyperlimit.likelihood._tune import Tuned, tune

__all__ = ["LogLikelihood", "Step", "Tuned", "log_marginal_likelihood", "tune"]
