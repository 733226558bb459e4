"""Kernels drawn at all widths that the study looks at."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from hyperlimit.limits import dual_limit
from hyperlimit.networks import Hypernetwork, mlp
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies.kernel_convergence._config import KernelConvergenceConfig
from hyperlimit.studies.kernel_convergence._drawn_kernel import drawn_kernels
from hyperlimit.studies.kernel_convergence._features import Pairs
from hyperlimit.studies.kernel_convergence._sampled_kernel import (
    sampled_kernels,
    sampled_meta_wide_kernels,
)

Widths = tuple[int, int]


class Entries(NamedTuple):
    """Draws of two entries of the kernel, (s,) each."""

    own: Float[np.ndarray, " s"]
    pair: Float[np.ndarray, " s"]


class Draws(NamedTuple):
    """All of them.

    Attributes:
        entries: K(u, u) and K(u, u') in the limit.
        grid: K(u, u) and K(u, u') by the widths (n, m).
        networks: the same of whole networks.
        plateaus: K(u, u) of g at `plateau_width` and infinitely wide f, by H.
        angles: degrees, (p,).
        limit: the limit's kernel at every degree from 0 to 180, (181,).
        curves: K at them for infinitely wide f, by m, (s, p) each.
    """

    entries: tuple[float, float]
    grid: dict[Widths, Entries]
    networks: dict[Widths, Entries]
    plateaus: dict[int, Float[np.ndarray, " s"]]
    angles: Float[np.ndarray, " p"]
    limit: Float[np.ndarray, " q"]
    curves: dict[int, Float[np.ndarray, "s p"]]


def all_draws(config: KernelConvergenceConfig, reporter: Reporter) -> Draws:
    """Draws what the settings ask for."""
    keys = jax.random.split(jax.random.key(config.seed), 4)
    grid = _grid(config, keys[0], reporter)
    networks = _networks(config, keys[1], reporter)
    plateaus = _plateaus(config, keys[2], reporter)
    angles = np.linspace(0, 180, config.angles)
    curves = _curves(config, _at_one_x(angles), keys[3], reporter)
    pairs = two_pairs(config.angle)
    spec = specification(config.meta_depth, config.primary_depth)
    limit = dual_limit(spec).ntk((pairs.x, pairs.z))
    entries = float(limit[0, 0]), float(limit[0, 1])
    by_angle = limit_by_angle(config)
    return Draws(entries, grid, networks, plateaus, angles, by_angle, curves)


def limit_by_angle(config: KernelConvergenceConfig) -> Float[np.ndarray, " q"]:
    """The dual limit's kernel for x = x', at every degree between z and z'."""
    spec = specification(config.meta_depth, config.primary_depth)
    pairs = _at_one_x(np.arange(181.0))
    rows = (pairs.x[pairs.of], pairs.z)
    first = tuple(part[:1] for part in rows)
    return np.asarray(dual_limit(spec).ntk(first, rows)[0])


def specification(
    meta_depth: int, primary_depth: int, widths: Widths = (1, 1)
) -> Hypernetwork:
    """The networks of the study."""
    return Hypernetwork(
        mlp(depth=meta_depth, width=widths[0]),
        mlp(depth=primary_depth, width=widths[1], out=1),
    )


def on_circle(degrees: ArrayLike) -> Float[Array, "p 2"]:
    """Points at angles from the first axis, |x|^2 = 2: nothing else matters of them."""
    turned = jnp.radians(jnp.atleast_1d(jnp.asarray(degrees, float)))
    return 2**0.5 * jnp.stack([jnp.cos(turned), jnp.sin(turned)], axis=1)


def two_pairs(angle: float) -> Pairs:
    """u and u', as far apart in x as in z."""
    points = on_circle(np.array([0.0, angle]))
    return Pairs(points, points, jnp.arange(2))


def _at_one_x(angles: Float[np.ndarray, " p"]) -> Pairs:
    of = jnp.zeros(len(angles), int)
    return Pairs(on_circle(0.0), on_circle(angles), of)


def _entries(kernels: Float[Array, "s k k"]) -> Entries:
    return Entries(np.asarray(kernels[:, 0, 0]), np.asarray(kernels[:, 0, 1]))


def _grid(
    config: KernelConvergenceConfig, key: PRNGKeyArray, reporter: Reporter
) -> dict[Widths, Entries]:
    cells = [(n, m) for m in config.primary_widths for n in config.meta_widths]
    cells += [(n, n) for n in config.diagonal if (n, n) not in cells]
    found, rows = {}, max(max(cell) for cell in cells)
    with reporter.stage("drawing kernels", total=len(cells)) as update:
        for index, cell in enumerate(cells):
            kernels = sampled_kernels(
                jax.random.fold_in(key, index),
                two_pairs(config.angle),
                jnp.asarray(cell),
                depths=(config.meta_depth, config.primary_depth),
                count=config.draws,
                rows=rows,
            )
            found[cell] = _entries(kernels)
            update(index + 1, f"n = {cell[0]}, m = {cell[1]}")
    return found


def _networks(
    config: KernelConvergenceConfig, key: PRNGKeyArray, reporter: Reporter
) -> dict[Widths, Entries]:
    found = {}
    with reporter.stage("whole networks", total=len(config.drawn)) as update:
        for index, cell in enumerate(config.drawn):
            kernels = drawn_kernels(
                jax.random.fold_in(key, index),
                two_pairs(config.angle),
                spec=specification(config.meta_depth, config.primary_depth, cell),
                count=config.networks,
            )
            found[cell] = _entries(kernels)
            update(index + 1, f"n = {cell[0]}, m = {cell[1]}")
    return found


def _plateaus(
    config: KernelConvergenceConfig, key: PRNGKeyArray, reporter: Reporter
) -> dict[int, Float[np.ndarray, " s"]]:
    found, pairs = {}, _at_one_x(np.zeros(1))
    total = len(config.plateau_depths)
    with reporter.stage("infinitely wide f", total=total) as update:
        for index, depth in enumerate(config.plateau_depths):
            kernels = sampled_meta_wide_kernels(
                jax.random.fold_in(key, index),
                pairs,
                _meta_kernels(config, pairs),
                jnp.asarray(config.plateau_width),
                depth=depth,
                count=config.plateau_draws,
                rows=config.plateau_width,
            )
            found[depth] = np.asarray(kernels[:, 0, 0])
            update(index + 1, f"H = {depth}")
    return found


def _curves(
    config: KernelConvergenceConfig, pairs: Pairs, key: PRNGKeyArray, reporter: Reporter
) -> dict[int, Float[np.ndarray, "s p"]]:
    found = {}
    with reporter.stage("angles", total=len(config.angle_widths)) as update:
        for index, width in enumerate(config.angle_widths):
            kernels = sampled_meta_wide_kernels(
                jax.random.fold_in(key, index),
                pairs,
                _meta_kernels(config, pairs),
                jnp.asarray(width),
                depth=config.primary_depth,
                count=config.angle_draws,
                rows=max(config.angle_widths),
            )
            found[width] = np.asarray(kernels[:, 0])
            update(index + 1, f"m = {width}")
    return found


def _meta_kernels(
    config: KernelConvergenceConfig, pairs: Pairs
) -> tuple[Float[Array, "r r"], Float[Array, "r r"]]:
    kernels = dual_limit(mlp(depth=config.meta_depth, width=1, out=1)).kernels(pairs.x)
    return kernels.nngp, kernels.ntk
