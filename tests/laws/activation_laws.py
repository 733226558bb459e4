"""What is true of every activation: one suite, run on every row of the registry."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from hyperlimit.activations import AbstractActivation, GaussianPair, diagonal_pair
from hyperlimit.linalg import gaps, rows

# Standard deviations and correlations: unequal, small, orthogonal, near both ends.
STDS_X = (0.8, 1.4, 0.3, 1.0, 0.6, 1e-3)
STDS_Y = (1.5, 0.7, 2.0, 1.0, 1.1, 0.9)
RHOS = (0.4, -0.7, 0.0, 0.98, -0.95, 0.5)


@dataclasses.dataclass(frozen=True)
class Case:
    """An activation, and what its duals may miss of the integrals.

    `dual_slack` and `slope_slack` bound the error of a truncated expansion at
    correlation one; they are multiplied by 2 |rho|^degree. `jump` is that of the
    function at zero: the derivative meant is the one almost everywhere.
    """

    name: str
    activation: AbstractActivation
    dual_slack: float = 0.0
    slope_slack: float = 0.0
    degree: int = 64
    jump: float = 0.0

    def slacks(self) -> tuple[np.ndarray, np.ndarray]:
        decay = 2 * np.abs(RHOS) ** self.degree
        return self.dual_slack * decay, self.slope_slack * decay


def _pairs() -> GaussianPair:
    gap = 1 - jnp.array(RHOS)
    return GaussianPair(jnp.array(STDS_X), jnp.array(STDS_Y), gap)


@jax.jit
def _gram_pair(points: Array) -> GaussianPair:
    split = rows(points)
    std = split.length / points.shape[1] ** 0.5
    return GaussianPair(std[:, None], std[None, :], gaps(split, split))


def _exchanged(pair: GaussianPair) -> GaussianPair:
    return GaussianPair(pair.std_y, pair.std_x, pair.gap)


def _close(found, expected, relative: float, absolute=0.0) -> None:
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    assert (np.abs(found - expected) <= relative * np.abs(expected) + absolute).all()


def _map_and_slope(activation: AbstractActivation, z: np.ndarray) -> list[np.ndarray]:
    z = jnp.asarray(z, float)
    both = jax.jvp(activation, (z,), (jnp.ones_like(z),))
    return [np.asarray(part, np.float64) for part in both]


def _panels(kinks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normal quadrature with an edge at each kink: (..., nodes), (..., weights)."""
    base, weights = np.polynomial.legendre.leggauss(80)
    reach = 10.0
    kinks = np.clip(kinks, -reach, reach)[..., None]
    edges = np.concatenate(
        [t * kinks + (t - 1) * reach for t in (0, 1 / 2, 1)]
        + [(1 - t) * kinks + t * reach for t in (1 / 2, 1)],
        axis=-1,
    )
    half = (edges[..., 1:] - edges[..., :-1])[..., None] / 2
    nodes = (edges[..., 1:] + edges[..., :-1])[..., None] / 2 + half * base
    density = np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)
    flat = (*nodes.shape[:-2], -1)
    return nodes.reshape(flat), (half * weights * density).reshape(flat)


def integrals(
    activation: AbstractActivation, std_x: float, std_y: float, rho: float
) -> tuple[float, float]:
    """E phi(u) phi(v) and E phi'(u) phi'(v) for a kink at zero at most."""
    g, g_weights = _panels(np.zeros(()))
    noise = math.sqrt(1 - rho**2)
    h, h_weights = _panels(-rho * g / noise)
    inner = _map_and_slope(activation, std_y * (rho * g[:, None] + noise * h))
    outer = _map_and_slope(activation, std_x * g)
    value, slope = (
        float(g_weights @ (left * (h_weights * right).sum(1)))
        for left, right in zip(outer, inner, strict=True)
    )
    return value, slope


class ActivationLaws:
    """Subclass this in a test module that defines the fixture `case`."""

    def test_duals_are_the_integrals(self, case: Case, tolerance):
        numbers = zip(STDS_X, STDS_Y, RHOS, strict=True)
        exact = np.array([integrals(case.activation, *triple) for triple in numbers])
        values, slopes = (slack + tolerance / 10 for slack in case.slacks())
        _close(case.activation.dual(_pairs()), exact[:, 0], tolerance, values)
        _close(
            case.activation.derivative_dual(_pairs()), exact[:, 1], tolerance, slopes
        )

    def test_duals_are_sample_means(self, case: Case):
        std_x, std_y, rho = STDS_X[0], STDS_Y[0], RHOS[0]
        g, h = np.random.default_rng(0).standard_normal((2, 200_000))
        noisy = rho * g + math.sqrt(1 - rho**2) * h
        sampled = zip(
            _map_and_slope(case.activation, std_x * g),
            _map_and_slope(case.activation, std_y * noisy),
            strict=True,
        )
        closed = (
            case.activation.dual(_pairs())[0],
            case.activation.derivative_dual(_pairs())[0],
        )
        for (left, right), exact in zip(sampled, closed, strict=True):
            products = left * right
            # The slope of the identity has no spread: its mean is exact but for
            # rounding.
            error = products.std() / math.sqrt(products.size) + 1e-7
            assert abs(products.mean() - float(exact)) < 4 * error

    def test_price(self, case: Case, tolerance):
        """The derivative dual is the slope of the dual in the covariance.

        A jump adds its square times the density of the pair at zero.
        """
        pair = _pairs()
        by_gap = jax.grad(
            lambda gap: case.activation.dual(
                GaussianPair(pair.std_x, pair.std_y, gap)
            ).sum()
        )(pair.gap)
        slack = tolerance / 10 + case.slacks()[1]
        density = 1 / (2 * math.pi * pair.scale * jnp.sqrt(pair.sine_squared))
        exact = case.activation.derivative_dual(pair) + case.jump**2 * density
        # What is of order std_x std_y, as rounded, is divided by it: hence the 4.
        _close(-by_gap / pair.scale, exact, 4 * tolerance, slack)

    def test_exchanging_the_pair(self, case: Case, tolerance):
        one, rounding = _pairs(), tolerance / 100
        other = _exchanged(one)
        for dual in (case.activation.dual, case.activation.derivative_dual):
            # Equal but for the order of a few multiplications.
            _close(dual(one), dual(other), rounding, rounding)
        after, transfer = case.activation.propagate(one)
        swapped, same = case.activation.propagate(other)
        assert (after.std_x == swapped.std_y).all()
        assert (after.std_y == swapped.std_x).all()
        _close(after.gap, swapped.gap, 0, rounding)
        _close(transfer, same, rounding, rounding)

    def test_gram_matrices_are_positive_semidefinite(self, case: Case, epsilon):
        points = np.random.default_rng(1).standard_normal((40, 3))
        points[10:15], points[15:20] = points[:5], -points[5:10]
        points[20:22] = points[:2] * (1 + 1e-5)
        pair = _gram_pair(jnp.asarray(points, float))
        for dual in (case.activation.dual, case.activation.derivative_dual):
            values = np.linalg.eigvalsh(np.asarray(jax.jit(dual)(pair), np.float64))
            # Entrywise rounding of eps moves an eigenvalue by n eps at most; the
            # 20 covers the few operations of an entry.
            rounding = 20 * len(points) * epsilon
            assert values[0] >= -rounding * values[-1]

    def test_gradients_are_finite(self, case: Case):
        std_x, std_y, gap = np.meshgrid([0.0, 1.0], [0.0, 1.0], [0.0, 0.7, 2.0])
        pair = GaussianPair(*(jnp.array(part.ravel()) for part in (std_x, std_y, gap)))

        def total(pair):
            after, transfer = case.activation.propagate(pair, 1.3)
            return sum(
                leaf.sum()
                for leaf in (
                    case.activation.dual(pair),
                    case.activation.derivative_dual(pair),
                    *jax.tree.leaves(after),
                    transfer,
                )
            )

        value, gradient = jax.jit(jax.value_and_grad(total))(pair)
        assert np.isfinite(value)
        for leaf in jax.tree.leaves(gradient):
            assert np.isfinite(leaf).all()

    def test_second_moment_is_the_unit_diagonal(self, case: Case, tolerance):
        moment = case.activation.second_moment()
        assert isinstance(moment, float)
        unit = diagonal_pair(jnp.ones(()))
        _close(case.activation.dual(unit), moment, tolerance)
        after, _ = case.activation.propagate(unit, moment**-0.5)
        _close(after.std_x, 1, tolerance)

    def test_equal_inputs_stay_equal(self, case: Case):
        pair = diagonal_pair(jnp.array([0.0, 1e-8, 0.37, 1.0, 3.3, 1e8]))
        gain = case.activation.second_moment() ** -0.5
        for _ in range(5):
            pair, _ = case.activation.propagate(pair, gain)
            assert (pair.gap == 0).all()
            assert (pair.std_x == pair.std_y).all()

    def test_propagate_agrees_with_the_duals(self, case: Case, tolerance):
        pair, activation, gain = _pairs(), case.activation, 1.3
        after, transfer = activation.propagate(pair, gain)
        for std, found in ((pair.std_x, after.std_x), (pair.std_y, after.std_y)):
            moment = activation.dual(diagonal_pair(std))
            _close(found, gain * jnp.sqrt(moment), tolerance)
        # The gap is rounded in units of one: the covariance, in those of the scale.
        dual = gain**2 * activation.dual(pair)
        _close(after.covariance, dual, tolerance, tolerance * after.scale)
        slope = pair.scale * activation.derivative_dual(pair)
        _close(transfer * after.scale / gain**2, slope, tolerance)
