"""Results in, figures out."""

from hyperlimit.plotting._completions import completions_figure
from hyperlimit.plotting._diagnosis import diagnosis_figure
from hyperlimit.plotting._kernel_convergence import (
    AngleCurve,
    Points,
    WidthCurve,
    kernel_convergence_figure,
)
from hyperlimit.plotting._loss import loss_figure
from hyperlimit.plotting._rotation import AccuracyCurve, rotation_figure
from hyperlimit.plotting._scaling import ScalingPanel, scaling_figure
from hyperlimit.plotting._stops import StopsByImage, StopsByWidth, stops_figure
from hyperlimit.plotting._widths import LimitCurve, widths_figure

__all__ = [
    "AccuracyCurve",
    "AngleCurve",
    "LimitCurve",
    "Points",
    "ScalingPanel",
    "StopsByImage",
    "StopsByWidth",
    "WidthCurve",
    "completions_figure",
    "diagnosis_figure",
    "kernel_convergence_figure",
    "loss_figure",
    "rotation_figure",
    "scaling_figure",
    "stops_figure",
    "widths_figure",
]
