"""Results in, figures out."""

from hyperlimit.plotting._completions import completions_figure
from hyperlimit.plotting._diagnosis import diagnosis_figure
from hyperlimit.plotting._few_shot import FewShotCurve, few_shot_figure
from hyperlimit.plotting._kernel_convergence import (
    AngleCurve,
    Points,
    WidthCurve,
    kernel_convergence_figure,
)
from hyperlimit.plotting._loss import loss_figure
from hyperlimit.plotting._pi_limit import Method, pi_limit_figure
from hyperlimit.plotting._rotation import AccuracyCurve, rotation_figure
from hyperlimit.plotting._scaling import ScalingPanel, scaling_figure
from hyperlimit.plotting._stops import StopsByImage, StopsByWidth, stops_figure
from hyperlimit.plotting._width_transfer import (
    ChangeCurve,
    RateCurve,
    width_transfer_figure,
)
from hyperlimit.plotting._widths import LimitCurve, widths_figure

__all__ = [
    "AccuracyCurve",
    "AngleCurve",
    "ChangeCurve",
    "FewShotCurve",
    "LimitCurve",
    "Method",
    "Points",
    "RateCurve",
    "ScalingPanel",
    "StopsByImage",
    "StopsByWidth",
    "WidthCurve",
    "completions_figure",
    "diagnosis_figure",
    "few_shot_figure",
    "kernel_convergence_figure",
    "loss_figure",
    "pi_limit_figure",
    "rotation_figure",
    "scaling_figure",
    "stops_figure",
    "width_transfer_figure",
    "widths_figure",
]
