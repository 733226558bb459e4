"""How fast the Taylor terms of finite networks vanish as the networks widen.

Task: ReLU networks at birth. K^(r) is the r-th derivative of the output along the
gradient, r times; what does not vanish with the width keeps training from being that
of a linear model. Littwin, Galanti, Wolf and Yang, *On Infinite-Width Hypernetworks*,
NeurIPS 2020.

Command: `hyperlimit study taylor-exponents`, some five minutes on two cores.

Expected: K^(r) ~ width^e with e = 1 - r for a plain network and for a hypernetwork of
which both networks widen (g of two layers); with f alone wide and g of H layers 0 up to
r = H, H - r beyond; with g alone wide 0 up to r = H (L - 1) + 1. `docs/taylor.md`.
"""

from hyperlimit.studies._study import Study
from hyperlimit.studies.taylor_exponents._config import TaylorConfig
from hyperlimit.studies.taylor_exponents._run import run

STUDY = Study(
    name="taylor-exponents",
    summary="Which Taylor terms of a hypernetwork vanish as f, g or both widen",
    quick=TaylorConfig(
        network_widths=(64, 256),
        meta_widths=(128, 1024),
        both_widths=(64, 256),
        primary_widths=(64, 512),
        network_seeds=200,
        hyper_seeds=400,
        largest_order=3,
    ),
    full=TaylorConfig(),
    run=run,
)

__all__ = ["STUDY", "TaylorConfig"]
