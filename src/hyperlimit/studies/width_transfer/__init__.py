"""Whether a learning rate found on a narrow hypernetwork is the best of a wide one.

Task: digits of 8x8 pixels; f reads the upper half, g maps coordinates to all pixels'
values. Both widths grow together, in muP for hypernetworks and in standard
parametrisation, each at a grid of learning rates of Adam; and a coordinate check of
each parametrisation, in f's width and in g's apart. Yang et al., *Tensor Programs V*,
NeurIPS 2021, have the experiment for other networks.

Command: `hyperlimit study width-transfer`.

Expected: in muP the best rate of the base is the best, or next to it, at all widths;
at the base's best rate wider is better; every slope of the coordinate check is within
0.1 of zero. In standard parametrisation the best rate falls as the width grows, and
slopes of its coordinate check, and of that of NTK parametrisation, are off by more.
`docs/widths.md` derives muP.
"""

from hyperlimit.studies._study import Study
from hyperlimit.studies.width_transfer._config import WidthTransferConfig
from hyperlimit.studies.width_transfer._run import run

STUDY = Study(
    name="width-transfer",
    summary="Whether learning rates of narrow hypernetworks serve wide ones",
    quick=WidthTransferConfig(
        multiples=(1, 2, 8),
        base_meta=16,
        base_primary=8,
        log_rates=(-13.0, -11.0, -9.0, -7.0, -5.0),
        steps=60,
        seeds=2,
        tolerance=0.25,
        check_meta_widths=(64, 256),
        check_primary_widths=(64, 128),
        check_fixed=(128, 64),
        check_seeds=8,
        checked=(("mup", "adam"), ("standard", "adam")),
    ),
    full=WidthTransferConfig(),
    run=run,
)

__all__ = ["STUDY", "WidthTransferConfig"]
