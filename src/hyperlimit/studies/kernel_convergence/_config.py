"""What the study of the empirical kernel is asked to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KernelConvergenceConfig:
    """Networks, widths and numbers of draws.

    Attributes:
        meta_depth: L, weight layers of f.
        primary_depth: H, weight layers of g.
        meta_widths: n of the grid, ascending.
        primary_widths: m of the grid, ascending; a curve each.
        diagonal: the widths of the curve n = m.
        draws: kernels drawn for each pair of widths.
        angle: between x and x', and between z and z', in degrees.
        plateau_depths: the H whose plateau is measured, f being infinitely wide.
        plateau_width: m there.
        plateau_draws: kernels drawn there.
        angles: how many angles of z and z' from 0 to 180 degrees.
        angle_widths: m of the curves over angles.
        angle_draws: kernels drawn for each of those.
        drawn: widths (n, m) at which whole networks are drawn and differentiated too.
        networks: how many of them.
        seed: of everything.
    """

    meta_depth: int = 3
    primary_depth: int = 3
    meta_widths: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048, 4096)
    primary_widths: tuple[int, ...] = (16, 64, 256, 1024, 4096)
    diagonal: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048, 4096)
    draws: int = 1000
    angle: float = 60.0
    plateau_depths: tuple[int, ...] = (2, 3, 4)
    plateau_width: int = 1024
    plateau_draws: int = 8000
    angles: int = 13
    angle_widths: tuple[int, ...] = (16, 128, 1024)
    angle_draws: int = 4000
    drawn: tuple[tuple[int, int], ...] = ((64, 16), (64, 64), (256, 64))
    networks: int = 500
    seed: int = 0


QUICK = KernelConvergenceConfig(
    meta_widths=(128, 512, 2048),
    primary_widths=(16, 2048),
    diagonal=(512, 1024, 2048),
    draws=200,
    plateau_depths=(3,),
    plateau_width=256,
    plateau_draws=1000,
    angles=5,
    angle_widths=(16, 256),
    angle_draws=200,
    drawn=(),
)
