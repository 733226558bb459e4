"""How the empirical kernel settles on the limit as both networks widen.

The empirical NTK of finite hypernetworks over many draws of their weights: the
relative variance of an entry against both widths, and the kernel against the angle
between two inputs of the primary network. Littwin, Galanti, Wolf and Yang, *On
Infinite-Width Hypernetworks*, NeurIPS 2020, section 6 and its figures of kernel
convergence: the variance falls to zero only where both widths grow.

Command: ``hyperlimit study kernel-convergence``.

Kernels are drawn in O(n + m), exactly in law, so that widths are as large and draws as
many as the question asks (`_gaussian_matrix.py`), and held against networks that are
drawn whole and differentiated. The leading orders a/n + c^2/m are derived in
`_theory.py`. Intervals are percentile bootstraps over draws; where the relative
variance is above one the law has long tails, and they are too short.
"""

from hyperlimit.studies._study import Study
from hyperlimit.studies.kernel_convergence._config import (
    QUICK,
    KernelConvergenceConfig,
)
from hyperlimit.studies.kernel_convergence._run import run

__all__ = ["STUDY", "KernelConvergenceConfig"]

STUDY = Study(
    name="kernel-convergence",
    summary="Whether the empirical kernel settles if only one network is wide",
    quick=QUICK,
    full=KernelConvergenceConfig(),
    run=run,
)
