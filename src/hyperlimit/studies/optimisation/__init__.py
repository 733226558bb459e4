"""Where gradient descent stops when only the meta-network is infinitely wide.

Task: 12 pixels of each of six digits. f reads an image and writes the weights of g,
which reads a pixel's coordinates. Littwin, Galanti, Wolf and Yang, *On Infinite-Width
Hypernetworks*, NeurIPS 2020, section 1: with g finite the infinitely wide f does not
make training convex.

Command: `hyperlimit study optimisation`, some seven minutes on one core.

Expected: a narrow g stops at losses above zero that differ from draw to draw, at
critical points of g alone; a wide g does not; finite networks of wide f do the same.
`docs/meta_wide.md`, with the numbers and the figure.
"""

from hyperlimit.studies._study import Study
from hyperlimit.studies.optimisation._config import OptimisationConfig
from hyperlimit.studies.optimisation._run import run

STUDY = Study(
    name="optimisation",
    summary="Where descent stops when f is infinitely wide and g is narrow",
    quick=OptimisationConfig(
        images=4,
        widths=(1, 64),
        narrow=(1,),
        draws=8,
        finite_widths=(1,),
        meta_width=256,
        finite_draws=6,
        steps=4000,
    ),
    full=OptimisationConfig(),
    run=run,
    precision="float64",
)

__all__ = ["STUDY", "OptimisationConfig"]
