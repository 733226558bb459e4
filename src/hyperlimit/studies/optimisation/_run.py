"""The study of optimisation: stops, what they are, and those of finite networks."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from hyperlimit.activations import activation
from hyperlimit.meta_wide import MetaWideNetwork, Primaries
from hyperlimit.plotting import StopsByImage, StopsByWidth, stops_figure
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies._study import Finding, Findings
from hyperlimit.studies.optimisation._config import OptimisationConfig
from hyperlimit.studies.optimisation._descent import (
    descend_finite,
    descend_limit,
    limit_draws,
)
from hyperlimit.studies.optimisation._findings import (
    finite_rows,
    stop_rows,
    width_rows,
)
from hyperlimit.studies.optimisation._kinks import at_kinks
from hyperlimit.studies.optimisation._problem import Problem, optimisation_problem
from hyperlimit.studies.optimisation._verify import Verified, verify


class Closely(NamedTuple):
    """What the stops of one narrow g are.

    Attributes:
        verified: by the gradient and the Hessian after polishing.
        kinks: which others are at kinks, (draws, images).
    """

    verified: Verified
    kinks: NDArray[np.bool_]

    @property
    def kinds(self) -> NDArray[np.int_]:
        """Not verified, at a kink, local minimum, strict one: 0 to 3."""
        kinds = np.where(self.kinks, 1, 0)
        kinds = np.where(self.verified.minimum, 2, kinds)
        return np.where(self.verified.strict, 3, kinds)


class Stops(NamedTuple):
    """Of one activation.

    Attributes:
        shares: of the variance left, by width of g, (draws, images).
        closely: what those of narrow ones are.
        smallest: the smallest eigenvalue of Theta_f.
    """

    shares: dict[int, NDArray]
    closely: dict[int, Closely]
    smallest: float


def run(config: OptimisationConfig, reporter: Reporter) -> Findings:
    """Descends from many draws at every width of g, and says where that stopped."""
    problem = optimisation_problem(config)
    key = jax.random.key(config.seed)
    stops = {
        name: _stops(config, problem, name, jax.random.fold_in(key, index), reporter)
        for index, name in enumerate(config.activations)
    }
    pairs: dict[tuple[str, int], tuple[NDArray, NDArray]] = {}
    for name in config.activations:
        for width in config.finite_widths:
            with reporter.stage(f"{name}: finite networks, g of width {width}"):
                own = jax.random.fold_in(key, 100 + width)
                pairs[name, width] = _pair(config, problem, name, width, own)
    return Findings(
        rows=tuple(_rows(config, stops, pairs)),
        data={
            "stops": {name: _numbers(found) for name, found in stops.items()},
            "finite": {
                f"{name}, g of width {width}": {
                    "limit": _short(limit),
                    "finite": _short(finite),
                }
                for (name, width), (limit, finite) in pairs.items()
            },
        },
        figure=stops_figure(
            [
                StopsByWidth(
                    name,
                    config.widths,
                    np.stack([left.mean(axis=1) for left in found.shares.values()]),
                )
                for name, found in stops.items()
            ],
            [
                StopsByImage(
                    f"{name}, g of width {width}", found.shares[width], close.kinds
                )
                for name, found in stops.items()
                for width, close in found.closely.items()
            ],
            {
                f"{name}, g of width {width}": pair
                for (name, width), pair in pairs.items()
            },
        ),
    )


def _numbers(found: Stops) -> dict[str, object]:
    return {
        "variance_left_by_width_and_draw": {
            width: _short(left.mean(axis=1)) for width, left in found.shares.items()
        },
        "narrow": {
            width: {
                "variance_left": _short(found.shares[width]),
                "kinds": close.kinds,
                "kinds_mean": ["not verified", "at a kink", "minimum", "strict one"],
                "gradient": _short(close.verified.gradient),
                "lowest_eigenvalue": _short(close.verified.lowest),
            }
            for width, close in found.closely.items()
        },
    }


def _short(values: NDArray) -> list:
    """Rows of numbers of four digits."""
    if values.ndim > 1:
        return [_short(row) for row in values]
    return [float(f"{value:.3e}") for value in values]


def _rows(
    config: OptimisationConfig,
    stops: dict[str, Stops],
    pairs: dict[tuple[str, int], tuple[NDArray, NDArray]],
) -> Iterator[Finding]:
    for name, found in stops.items():
        yield from width_rows(config, name, found.shares)
        for width, close in found.closely.items():
            where = f"{name}, g of width {width}"
            yield from stop_rows(config, where, found.shares[width], close.kinds)
    smallest = min(found.smallest for found in stops.values())
    yield from finite_rows(config, pairs, smallest)


def _stops(
    config: OptimisationConfig,
    problem: Problem,
    name: str,
    key: Array,
    reporter: Reporter,
) -> Stops:
    shares, closely, smallest = {}, {}, math.inf
    for width in config.widths:
        with reporter.stage(f"{name}: g of width {width}"):
            keys = jax.random.split(jax.random.fold_in(key, width), config.draws)
            nets = limit_draws(config.spec(name, width), problem, list(keys))
            nets, left = descend_limit(nets, problem, config)
            shares[width] = np.asarray(left)
        if width in config.narrow:
            with reporter.stage(f"{name}: what the stops at width {width} are"):
                closely[width] = _closely(config, problem, name, nets, shares[width])
        smallest = float(np.linalg.eigvalsh(np.asarray(nets.ntk[0]))[0])
    return Stops(shares, closely, smallest)


def _closely(
    config: OptimisationConfig,
    problem: Problem,
    name: str,
    nets: MetaWideNetwork,
    left: NDArray,
) -> Closely:
    verified = verify(nets, problem, left)
    # Of the activations without scale, those that are no line have a kink.
    if not activation(name).homogeneous:
        return Closely(verified, np.zeros_like(verified.minimum))
    kinks = [
        at_kinks(_of_draw(nets, draw), problem, doubtful, config.seed)
        for draw, doubtful in enumerate(~verified.minimum)
    ]
    return Closely(verified, np.stack(kinks))


def _of_draw(nets: MetaWideNetwork, draw: int) -> Primaries:
    return jax.tree.map(lambda leaf: leaf[draw], nets).primaries()


def _pair(
    config: OptimisationConfig, problem: Problem, name: str, width: int, key: Array
) -> tuple[NDArray, NDArray]:
    """What the limit and finite networks leave from the same initial weights."""
    spec = config.spec(name, width)
    keys = jax.random.split(key, config.finite_draws)
    initial, finite = descend_finite(spec, problem, config, keys)
    nets = limit_draws(spec, problem, [key] * config.finite_draws)
    nets = eqx.tree_at(lambda n: n.initial, nets, initial)
    _, limit = descend_limit(nets, problem, config)
    return np.asarray(limit), np.asarray(finite)
