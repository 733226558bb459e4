"""How the width and the depth of the primary network change training.

Task: f reads an image turned by an angle, g the same image turned further; g is to say
by how much, to the nearest 30 degrees. Littwin, Galanti, Wolf and Yang, *On
Infinite-Width Hypernetworks*, NeurIPS 2020, section 6: a wider g trains better and more
evenly over seeds, and depth hurts a narrow g.

Command: ``hyperlimit study rotation``.

Intervals are Student's over seeds, of networks alone: the data are the same for all.
"""

from hyperlimit.studies._study import Study
from hyperlimit.studies.rotation._config import QUICK, RotationConfig
from hyperlimit.studies.rotation._run import run

__all__ = ["STUDY", "RotationConfig"]

STUDY = Study(
    name="rotation",
    summary="Whether a wider primary network trains better, and a deeper one worse",
    quick=QUICK,
    full=RotationConfig(),
    run=run,
)
