"""Results in, figures out."""

from hyperlimit.plotting._completions import completions_figure
from hyperlimit.plotting._loss import loss_figure

__all__ = ["completions_figure", "loss_figure"]
