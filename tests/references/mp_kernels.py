"""Kernels of infinitely wide hypernetworks to 50 digits, for one pair of inputs.

A reference for tests: a derivation of its own that shares no code with the package.
A hypernetwork is h(x, z) = g(z; f(x)). Every number it is given is taken exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mpmath import atan2, cos, cosh, exp, fdot, log10, mp, mpf, pi, sin, sinh, sqrt

DIGITS = 50
# Near a correlation of +-1 an angle keeps half of the digits.
WORKING_DIGITS = 160


@dataclass(frozen=True)
class Meta:
    """f: `depth` dense layers, sigma_w W q / sqrt(fan_in) + sigma_b b, in NTK form."""

    depth: int
    activation: str = "relu"
    weight_std: float = 1.0
    bias_std: float = 0.0
    negative_slope: float = 0.01


@dataclass(frozen=True)
class Primary:
    """g: as `Meta`; layer by layer, which weights and which biases f generates.

    `generated=()` stands for all, and `bias_generated=()` for the same as the weights.
    """

    depth: int
    activation: str = "relu"
    weight_std: float = 1.0
    bias_std: float = 0.0
    generated: tuple[bool, ...] = ()
    bias_generated: tuple[bool, ...] = ()
    negative_slope: float = 0.01

    def __post_init__(self):
        weights = self.generated or (True,) * self.depth
        object.__setattr__(self, "generated", weights)
        object.__setattr__(self, "bias_generated", self.bias_generated or weights)
        if {len(self.generated), len(self.bias_generated)} != {self.depth}:
            raise ValueError(
                "One flag a layer for the weights, and one for the biases."
            )


class Kernels(NamedTuple):
    """GP kernel K(1, 1), K(1, 2), K(2, 2) of a pair, and tangent kernel T(1, 2)."""

    first: mpf
    cross: mpf
    second: mpf
    tangent: mpf


def _angle(a, c, b):
    """Angle between two Gaussians; sin and cos together keep it exact at 0 and pi."""
    if a == 0 or b == 0:
        return pi / 2  # a constant is independent of everything
    return atan2(sqrt(max(a * b - c * c, mpf(0))), c)


def _leaky(slope):
    """phi = slope u + (1 - slope) relu(u), and E u relu(v) = c / 2.

    E phi phi = slope c + (1 - slope)^2 J, J = sqrt(ab) (sin t + (pi - t) cos t) / 2 pi.
    E phi' phi' = slope + (1 - slope)^2 (pi - t) / 2 pi.
    """

    def value(a, c, b):
        t = _angle(a, c, b)
        arc = sqrt(a * b) * (sin(t) + (pi - t) * cos(t)) / (2 * pi)
        return slope * c + (1 - slope) ** 2 * arc

    def derivative(a, c, b):
        return slope + (1 - slope) ** 2 * (pi - _angle(a, c, b)) / (2 * pi)

    return value, derivative


def _erf_value(a, c, b):
    """E erf erf = (2/pi) asin(2c / sqrt(pq)), p = 1 + 2a, q = 1 + 2b."""
    return 2 / pi * atan2(2 * c, sqrt((1 + 2 * a) * (1 + 2 * b) - 4 * c * c))


def _erf_derivative(a, c, b):
    """E erf' erf' = (4/pi) / sqrt(pq - 4 c^2): a Gaussian integral."""
    return 4 / pi / sqrt((1 + 2 * a) * (1 + 2 * b) - 4 * c * c)


def _gelu_parts(a, c, b):
    """A = E Phi(u) Phi(v), D = (1+a)(1+b) - c^2, N and its half-slope n = N'/2c.

    With F = Phi(u) Phi(v), Stein's identity twice turns E u v F into
    c E F + (ab + c^2) E F_uv + ac E F_uu + bc E F_vv. E F is an arcsine, and Price's
    theorem gives the rest as its derivatives:
    E F_uv = 1 / (2 pi sqrt D), E F_uu = -c / (2 pi (1+a) sqrt D).
    """
    D = (1 + a) * (1 + b) - c * c
    A = mpf(1) / 4 + atan2(c, sqrt(D)) / (2 * pi)
    n = (1 - a * b) / ((1 + a) * (1 + b))
    return A, D, a * b + n * c * c, n


def _gelu_value(a, c, b):
    """E phi phi = c A + N / (2 pi sqrt D), N = ab + n c^2."""
    A, D, N, _ = _gelu_parts(a, c, b)
    return c * A + N / (2 * pi * sqrt(D))


def _gelu_derivative(a, c, b):
    """The derivative in c: A + c (1 + 2n + N/D) / (2 pi sqrt D)."""
    A, D, N, n = _gelu_parts(a, c, b)
    return A + c * (1 + 2 * n + N / D) / (2 * pi * sqrt(D))


def _wave(hyperbolic):
    """E cos cos = exp(-(a+b)/2) cosh c and E sin sin = exp(-(a+b)/2) sinh c.

    They are half the sum and half the difference of E cos(u - v) and E cos(u + v).
    """
    return lambda a, c, b: exp(-(a + b) / 2) * hyperbolic(c)


def _abrelu(negative, positive):
    """p times the leaky unit of slope n / p."""
    value, derivative = _leaky(negative / positive)
    square = positive**2
    return (
        lambda a, c, b: square * value(a, c, b),
        lambda a, c, b: square * derivative(a, c, b),
    )


def _step_value(a, c, b):
    """The share of the plane where both are positive; a zero never is."""
    return mpf(0) if a == 0 or b == 0 else (pi - _angle(a, c, b)) / (2 * pi)


def _squared_relu_value(a, c, b):
    """E (u+)^2 (v+)^2, in polar coordinates: the radius gives 4!! = 8.

    The rest is the integral of cos^2(s) cos^2(s - t) over the pi - t radians where
    both are positive, by product formulas.
    """
    t = _angle(a, c, b)
    radians = (pi - t) * (2 + cos(2 * t)) / 8 + 3 * sin(2 * t) / 16
    return 8 * a * b * radians / (2 * pi)


def _squared_relu_derivative(a, c, b):
    """4 E u+ v+."""
    return 4 * _leaky(mpf(0))[0](a, c, b)


def _square_value(a, c, b):
    """Isserlis: the pairings of u u v v."""
    return a * b + 2 * c * c


def _cube_value(a, c, b):
    """Isserlis: of the 15 pairings of u u u v v v, 9 have one mixed pair, 6 three."""
    return 9 * a * b * c + 6 * c**3


def _exp_value(a, c, b):
    """The mean of exp(u + v), whose variance is a + 2c + b."""
    return exp((a + 2 * c + b) / 2)


def _gaussian_value(a, c, b):
    """det(1 + 2 S)^(-1/2), S the covariance: a Gaussian integral."""
    return 1 / sqrt((1 + 2 * a) * (1 + 2 * b) - 4 * c * c)


def _gaussian_derivative(a, c, b):
    """Its derivative in c."""
    return 4 * c * _gaussian_value(a, c, b) ** 3


def _closed_forms(slope) -> dict[str, Callable[[], tuple[Callable, Callable]]]:
    """E phi(u) phi(v) and E phi'(u) phi'(v) of activations that are not scaled."""
    return {
        "relu": lambda: _leaky(mpf(0)),
        "leaky_relu": lambda: _leaky(slope),
        "identity": lambda: (lambda a, c, b: c, lambda a, c, b: mpf(1)),
        "erf": lambda: (_erf_value, _erf_derivative),
        "gelu": lambda: (_gelu_value, _gelu_derivative),
        "sin": lambda: (_wave(sinh), _wave(cosh)),
        "cos": lambda: (_wave(cosh), _wave(sinh)),
        "abs": lambda: _leaky(mpf(-1)),
        "abrelu": lambda: _abrelu(mpf(1) / 4, mpf(1)),
        "step": lambda: (_step_value, lambda a, c, b: mpf(0)),
        "squared_relu": lambda: (_squared_relu_value, _squared_relu_derivative),
        "square": lambda: (_square_value, lambda a, c, b: 4 * c),
        "cube": lambda: (_cube_value, lambda a, c, b: 9 * _square_value(a, c, b)),
        "exp": lambda: (_exp_value, _exp_value),
        "gaussian": lambda: (_gaussian_value, _gaussian_derivative),
    }


NAMES = tuple(_closed_forms(mpf(0)))
# Those whose duals separate into scale and angle.
_ANY_VARIANCE = (
    *("relu", "leaky_relu", "identity", "abs", "abrelu"),
    *("step", "squared_relu", "square", "cube"),
)


def dual(name: str, a, c, b, negative_slope: float = 0.01) -> tuple[mpf, mpf]:
    """(E phi phi, E phi' phi') for covariance (a, c; c, b), E phi(N(0,1))^2 = 1."""
    with mp.workdps(max(mp.dps, WORKING_DIGITS)):
        a, c, b = mpf(a), mpf(c), mpf(b)
        value, derivative = _closed_forms(mpf(negative_slope))[name]()
        moment = value(mpf(1), mpf(1), mpf(1))
        return value(a, c, b) / moment, derivative(a, c, b) / moment


def _exact(vector: Sequence[float]) -> list[mpf]:
    return [mpf(float(entry)) for entry in vector]


def _inputs(first: Sequence[float], second: Sequence[float]) -> Kernels:
    """K = q . q' / dim before any parameter: T = 0."""
    p, q = _exact(first), _exact(second)
    if len(p) != len(q):
        raise ValueError("The two vectors differ in length.")
    products = (fdot(u, v) / len(p) for u, v in ((p, p), (p, q), (q, q)))
    return Kernels(*products, mpf(0))


def _activate(at: Kernels, net: Meta | Primary) -> Kernels:
    """K <- E phi phi', T <- T E phi' phi'."""
    a, c, b, tangent = at
    value, derivative = dual(net.activation, a, c, b, net.negative_slope)
    first, second = (
        dual(net.activation, v, v, v, net.negative_slope)[0] for v in (a, b)
    )
    return Kernels(first, value, second, tangent * derivative)


def _dense(at: Kernels, net, weights: Kernels, biases: Kernels) -> Kernels:
    """K <- sw^2 Kw K + sb^2 Kb,  T <- sw^2 (Kw T + Tw K) + sb^2 Tb."""
    w, b = mpf(net.weight_std) ** 2, mpf(net.bias_std) ** 2
    covariances = (
        w * kw * k + b * kb
        for kw, k, kb in zip(weights[:3], at[:3], biases[:3], strict=True)
    )
    chained = weights.cross * at.tangent + weights.tangent * at.cross
    return Kernels(*covariances, w * chained + b * biases.tangent)


# A trained parameter is its own source: variance 1, and gradient 1 to itself alone.
_OWN = Kernels(mpf(1), mpf(1), mpf(1), mpf(1))


def _digits(net: Meta | Primary, vectors, source=1) -> int:
    """Digits to work with, `source` being the largest variance of a parameter.

    At a variance v, (1 + a)(1 + b) - c^2 loses up to 2 log10 v digits, and an exponent
    log10 v; angles do not depend on v, and sums of pairings do not cancel.
    """
    if net.activation in _ANY_VARIANCE:
        return WORKING_DIGITS
    size, largest = max(fdot(q, q) / len(q) for q in map(_exact, vectors)), mpf(1)
    for _ in range(net.depth - 1):
        size = (mpf(net.weight_std) ** 2 * size + mpf(net.bias_std) ** 2) * source
        largest = max(largest, size)
        # E gelu^2 < v/2 + .02 and its moment is .425; the others are at most 1/.43.
        size = 1.25 * max(size, 1) if net.activation == "gelu" else mpf(2.5)
    return WORKING_DIGITS + 2 * int(log10(largest))


def meta_kernels(x1: Sequence[float], x2: Sequence[float], meta: Meta) -> Kernels:
    """(K_f, Theta_f) of one output of f, at working precision."""
    with mp.workdps(max(mp.dps, _digits(meta, (x1, x2)))):
        at = _inputs(x1, x2)
        for layer in range(meta.depth):
            at = _dense(_activate(at, meta) if layer else at, meta, _OWN, _OWN)
    return at


def kernels(x1, z1, x2, z2, meta: Meta, primary: Primary) -> tuple[mpf, mpf]:
    """(NNGP, NTK) of h(x, z) = g(z; f(x)) between (x1, z1) and (x2, z2).

    In g a dense layer maps (K, T) to (sw^2 Kw K + sb^2 Kb,
    sw^2 (Kw T + Tw K) + sb^2 Tb); the source (Kw, Tw), and (Kb, Tb) likewise, is
    (K_f, Theta_f) where f generates and (1, 1) where g trains its own.
    """
    f = meta_kernels(x1, x2, meta)
    with mp.workdps(_digits(primary, (z1, z2), max(1, f.first, f.second))):
        f, at = meta_kernels(x1, x2, meta), _inputs(z1, z2)
        flags = zip(primary.generated, primary.bias_generated, strict=True)
        for layer, (weights, biases) in enumerate(flags):
            at = _activate(at, primary) if layer else at
            at = _dense(at, primary, f if weights else _OWN, f if biases else _OWN)
    with mp.workdps(DIGITS):
        return +at.cross, +at.tangent
