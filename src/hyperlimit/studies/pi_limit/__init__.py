"""An infinitely wide network that learns features, beside kernels and finite ones.

Task: digits into ten classes, by squared error. The pi-limit against the NTK and the GP
kernel of the same network, networks of finite width with projected updates, of which it
is the limit, and without (muP). Yang, Santacroce and Hu, *Efficient Computation of Deep
Nonlinear Infinite-Width Neural Networks that Learn Features*, ICLR 2022, have 61.50 %
on CIFAR-10 where the NTK has 59.63 % and the GP kernel 58.92 %.

Command: ``hyperlimit study pi-limit``.

"pi" are networks of finite width with projected updates, "muP" those without, "NNGP"
the GP kernel. Intervals are Student's over seeds, each with its own digits, networks
and batches.
"""

from hyperlimit.studies._study import Study
from hyperlimit.studies.pi_limit._config import QUICK, PiLimitConfig
from hyperlimit.studies.pi_limit._run import run

__all__ = ["STUDY", "PiLimitConfig"]

STUDY = Study(
    name="pi-limit",
    summary="Whether a feature-learning limit classifies better than kernels do",
    quick=QUICK,
    full=PiLimitConfig(),
    run=run,
)
