"""The empirical kernel of a network: its spectrum, and how far it is from a limit's."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, PyTree

from hyperlimit.diagnosis._problem import Problem
from hyperlimit.diagnosis._trials import predict
from hyperlimit.empirical import empirical_ntk


class Spectrum(NamedTuple):
    r"""Training by gradient descent, if the network stayed as linear as it is now.

    The error $r$ on n numbers decays as $e^{-t \Theta / n} r$; half its mean square is
    the loss.

    Attributes:
        points: n, for each output.
        rates: $\lambda_i / n$, descending.
        shares: the part of $|r|^2$ in each mode.
        largest_rate: of gradient descent that is stable, $2 / \lambda_1$.
        time: of gradient flow to the goal; infinite if it is not reached.
        steps: of gradient descent at half the largest rate.
    """

    points: int
    rates: np.ndarray
    shares: np.ndarray
    largest_rate: float
    time: float
    steps: float


def kernel(net: PyTree, trained: PyTree, data: Problem) -> Float[np.ndarray, "n n"]:
    """The mean over outputs of the empirical NTK on all pairs."""
    axes = data.z.ndim - 2
    found = empirical_ntk(net, (data.x, data.z), trained=trained, z_axes=axes)
    return np.asarray(found, np.float64)


def spectrum(
    theta: Float[np.ndarray, "n n"], net: PyTree, data: Problem, goal: float
) -> Spectrum:
    """The modes of a kernel, and the time to a loss of half a mean square."""
    outputs = np.asarray(predict(net, data), np.float64)
    error = (outputs - np.asarray(data.y, np.float64)).reshape(len(theta), -1)
    values, modes = np.linalg.eigh((theta + theta.T) / 2)
    count = error.size
    rates = np.where(values > 0, values, 0)[::-1] / count
    squares = np.sum((modes.T @ error) ** 2, axis=1)[::-1]
    time = _time_to(rates, squares / (2 * count), goal)
    largest = 2 / rates[0] if rates[0] > 0 else np.inf
    return Spectrum(
        points=len(theta),
        rates=rates,
        shares=squares / max(squares.sum(), 1e-300),
        largest_rate=float(largest),
        time=time,
        steps=time / (largest / 2),
    )


def _time_to(rates: np.ndarray, losses: np.ndarray, goal: float) -> float:
    """When sum_i losses_i exp(-2 rates_i t) is the goal, by bisection in log t."""

    def loss(time: float) -> float:
        return float(np.sum(losses * np.exp(-2 * rates * time)))

    if loss(0.0) <= goal:
        return 0.0
    low = high = 1 / max(rates[0], 1e-300)
    while loss(high) > goal:
        high *= 4
        if high * rates[0] > 1e12:
            return float("inf")
    low = 0.0 if loss(low) <= goal else low
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if loss(middle) > goal else (low, middle)
    return high


def change(one: Float[np.ndarray, "n n"], two: Float[np.ndarray, "n n"]) -> float:
    """The distance of two kernels in units of the first."""
    return float(np.linalg.norm(two - one) / np.linalg.norm(one))


def spread(
    draw: Callable[[Array], PyTree],
    keys: Sequence[Array],
    trained: PyTree,
    data: Problem,
) -> tuple[float, Float[np.ndarray, "n n"]]:
    """The kernel's standard deviation over draws in units of its mean, and the mean."""
    kernels = np.stack([kernel(draw(key), trained, data) for key in keys])
    mean = kernels.mean(axis=0)
    deviation = np.sqrt(np.sum((kernels - mean) ** 2) / (len(kernels) - 1))
    return float(deviation / np.linalg.norm(mean)), mean
