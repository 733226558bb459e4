"""Finite hypernetworks in plain NumPy, averaged over seeds: what the limits must match.

Networks are sampled and differentiated by hand. For a dense layer
y = sigma_w W q / sqrt(fan_in) + sigma_b b and d = dh/dy, the gradients are
dh/dW = sigma_w d q^T / sqrt(fan_in) and dh/db = sigma_b d.

The GP entry is averaged over g's last layer in closed form: its parameters are
independent of all else and enter linearly, and h h' alone would need 10^4 seeds.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from references.mp_kernels import Meta, Primary, meta_kernels

_erf = np.vectorize(math.erf, otypes=[float])


def _cdf(u):
    return (1 + _erf(u / math.sqrt(2))) / 2


def _pdf(u):
    return np.exp(-u * u / 2) / math.sqrt(2 * math.pi)


# Each activation and its derivative, not scaled; the leaky slope is the default one.
ACTIVATIONS: dict[str, tuple[Callable, Callable]] = {
    "relu": (lambda u: np.maximum(u, 0), lambda u: np.where(u > 0, 1.0, 0.0)),
    "leaky_relu": (
        lambda u: np.where(u > 0, u, 0.01 * u),
        lambda u: np.where(u > 0, 1.0, 0.01),
    ),
    "identity": (lambda u: u, np.ones_like),
    "erf": (_erf, lambda u: 2 / math.sqrt(math.pi) * np.exp(-u * u)),
    "gelu": (lambda u: u * _cdf(u), lambda u: _cdf(u) + u * _pdf(u)),
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda u: -np.sin(u)),
    "abs": (np.abs, np.sign),
    "abrelu": (
        lambda u: np.where(u > 0, u, 0.25 * u),
        lambda u: np.where(u > 0, 1.0, 0.25),
    ),
    "step": (lambda u: np.where(u > 0, 1.0, 0.0), np.zeros_like),
    "squared_relu": (
        lambda u: np.maximum(u, 0) ** 2,
        lambda u: 2 * np.maximum(u, 0),
    ),
    "square": (np.square, lambda u: 2 * u),
    "cube": (lambda u: u**3, lambda u: 3 * u**2),
    "exp": (np.exp, np.exp),
    "gaussian": (lambda u: np.exp(-u * u), lambda u: -2 * u * np.exp(-u * u)),
}


@functools.cache
def second_moment(name: str) -> float:
    """E phi(N(0, 1))^2 by Gauss-Legendre on either side of the kink at 0."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    u, phi = 6 * (nodes + 1), ACTIVATIONS[name][0]
    return float(6 * weights @ ((phi(u) ** 2 + phi(-u) ** 2) * _pdf(u)))


@dataclass
class _Trace:
    """One point's way through a net: the input of each layer, phi' between layers."""

    net: Meta | Primary
    weights: list
    inputs: list
    slopes: list
    output: np.ndarray

    def gradients(self, cotangent) -> list[tuple[np.ndarray, np.ndarray]]:
        """In every W and b from the first layer on, as factors of an outer product."""
        delta, found = cotangent, []
        for layer in reversed(range(len(self.weights))):
            W, q = self.weights[layer], self.inputs[layer]
            scale = self.net.weight_std / math.sqrt(len(q))
            bias = self.net.bias_std * delta, np.ones(1)
            found = [(scale * delta, q), bias, *found]
            if layer:
                delta = self.slopes[layer - 1] * (scale * (W.T @ delta))
        return found


def _inner(first, second) -> float:
    """<d q^T, d' q'^T> = (d.d') (q.q')."""
    return (first[0] @ second[0]) * (first[1] @ second[1])


def _run(net: Meta | Primary, parameters: list, q) -> _Trace:
    phi, dphi = ACTIVATIONS[net.activation]
    norm = math.sqrt(second_moment(net.activation))
    weights, inputs, slopes = parameters[::2], [q], []
    for W, b in zip(weights, parameters[1::2], strict=True):
        y = net.weight_std * (W @ inputs[-1]) / math.sqrt(W.shape[1]) + net.bias_std * b
        inputs.append(phi(y) / norm)
        slopes.append(dphi(y) / norm)
    return _Trace(net, weights, inputs[:-1], slopes[:-1], y)


def _shapes(depth, fan_in, width, fan_out) -> list[tuple[int, ...]]:
    """Of W and b, layer by layer."""
    sizes = [fan_in] + [width] * (depth - 1) + [fan_out]
    layers = zip(sizes[1:], sizes[:-1], strict=True)
    return [shape for layer in layers for shape in (layer, layer[:1])]


def _made(primary: Primary) -> list[bool]:
    """Whether f generates W, b of the first layer, W, b of the second, ..."""
    flags = zip(primary.generated, primary.bias_generated, strict=True)
    return [flag for pair in flags for flag in pair]


def _last_layer_gp(traces: list[_Trace], made: list[bool], covariance: float) -> float:
    """E[h h' | all before g's last layer], `covariance` that of two outputs of f."""
    g, (q1, q2) = traces[0].net, (trace.inputs[-1] for trace in traces)
    weights, biases = (covariance if flag else 1.0 for flag in made[-2:])
    return g.weight_std**2 * weights * (q1 @ q2) / len(q1) + g.bias_std**2 * biases


def _mean_and_error(samples) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(list(samples))
    return table.mean(0), table.std(0, ddof=1) / math.sqrt(len(table))


def infinite_f(
    x1, z1, x2, z2, meta: Meta, primary: Primary, width: int, seeds: Iterable[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of (GP, NTK) for f infinitely wide and g of `width`.

    In that limit the outputs of f are independent Gaussian processes of covariance
    K_f(x, x'), and <df_i/dw (x), df_j/dw (x')> = Theta_f(x, x') if i = j, else 0. So
    NTK = Theta_f sum_generated (dg/dV_i)(dg'/dV_i) + sum_own (dg/dv_i)(dg'/dv_i).
    """
    k11, k12, k22, theta = map(float, meta_kernels(x1, x2, meta))
    slope = k12 / k11
    spread = math.sqrt(max(k22 - slope * k12, 0.0))
    made, shapes = _made(primary), _shapes(primary.depth, len(z1), width, 1)

    def sample(seed):
        rng = np.random.default_rng(seed)
        first, second = [], []
        for flag, shape in zip(made, shapes, strict=True):
            first.append((math.sqrt(k11) if flag else 1.0) * rng.standard_normal(shape))
            fresh = spread * rng.standard_normal(shape) if flag else 0.0
            second.append(slope * first[-1] + fresh if flag else first[-1])
        traces = [_run(primary, first, z1), _run(primary, second, z2)]
        gradients = zip(*(trace.gradients(np.ones(1)) for trace in traces), strict=True)
        ntk = sum(
            (theta if flag else 1.0) * _inner(*pair)
            for flag, pair in zip(made, gradients, strict=True)
        )
        return _last_layer_gp(traces, made, k12), ntk

    return _mean_and_error(map(sample, seeds))


def finite(
    x1, z1, x2, z2, meta: Meta, primary: Primary, meta_width, width, seeds
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of (GP, NTK) for f of `meta_width` and g of `width`.

    Nothing is taken from the limit: f's gradient is its own pull-back of the cotangent
    dh/dV over every generated entry V, and g's own entries add theirs.
    """
    made, shapes = _made(primary), _shapes(primary.depth, len(z1), width, 1)
    sizes = [
        math.prod(shape) if f else 0 for f, shape in zip(made, shapes, strict=True)
    ]
    f_shapes = _shapes(meta.depth, len(x1), meta_width, sum(sizes))

    def sample(seed):
        rng = np.random.default_rng(seed)
        f_parameters = [rng.standard_normal(shape) for shape in f_shapes]
        own = [rng.standard_normal(shape) for shape in shapes]
        f_traces, g_traces, gradients = [], [], []
        for x, z in ((x1, z1), (x2, z2)):
            f = _run(meta, f_parameters, x)
            pieces = np.split(f.output, np.cumsum(sizes)[:-1])
            parameters = [
                piece.reshape(v.shape) if flag else v
                for flag, piece, v in zip(made, pieces, own, strict=True)
            ]
            g = _run(primary, parameters, z)
            both = list(zip(made, g.gradients(np.ones(1)), strict=True))
            cotangent = np.concatenate(
                [np.outer(*d).ravel() for flag, d in both if flag]
            )
            kept = [d for flag, d in both if not flag]
            gradients.append(f.gradients(cotangent) + kept)
            f_traces.append(f)
            g_traces.append(g)
        q1, q2 = (f.inputs[-1] for f in f_traces)
        covariance = meta.weight_std**2 * (q1 @ q2) / len(q1) + meta.bias_std**2
        ntk = sum(_inner(*pair) for pair in zip(*gradients, strict=True))
        return _last_layer_gp(g_traces, made, covariance), ntk

    return _mean_and_error(map(sample, seeds))
