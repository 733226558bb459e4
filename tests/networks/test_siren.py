"""The sinusoidal network: its published variances, sampled, and its kernels."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import cosh, exp, mp, mpf, sinh

import hyperlimit as hl
from hyperlimit.activations import Sin

FREQUENCY, WIDTH, IN_SIZE = 30.0, 1024, 2
Z = np.array([0.6, -0.9])


def _preactivations(network, key) -> list[np.ndarray]:
    """What each sine is applied to, frequency included, in one finite network."""
    net = hl.init(network, key=key)
    outputs, found = jnp.asarray(Z, float), []
    for layer, values in zip(network.layers, net.multiplied(net.values), strict=True):
        if isinstance(layer, hl.Elementwise):
            found.append(layer.activation.frequency * np.asarray(outputs))
        outputs = layer.apply(values, outputs)
    return found


def _published(rng) -> list[np.ndarray]:
    """The same in the official initialisation, uniform, written out."""
    q, found = Z, []
    for fan_in, edge in (
        (IN_SIZE, 1 / IN_SIZE),
        *((WIDTH, math.sqrt(6 / WIDTH) / FREQUENCY),) * 4,
    ):
        y = rng.uniform(-edge, edge, (WIDTH, fan_in)) @ q
        found.append(FREQUENCY * y)
        q = np.sin(FREQUENCY * y)
    return found


def _mean_squares(samples) -> np.ndarray:
    return np.array([[(layer**2).mean() for layer in net] for net in samples]).mean(0)


@pytest.mark.parametrize("unit", [False, True])
def test_preactivations_have_their_variances(unit):
    network = hl.siren(depth=6, width=WIDTH, in_size=IN_SIZE, out=1, unit=unit)
    keys = jax.random.split(jax.random.key(0), 4)
    found = _mean_squares(_preactivations(network, key) for key in keys)
    first = FREQUENCY**2 * (Z**2).sum() / (3 * IN_SIZE**2)
    expected = [first, 1.0]
    for _ in range(3):
        expected.append(1.0 if unit else 1 - math.exp(-2 * expected[-1]))
    # Mean squares of 4096 nearly normal numbers: 4.5 of their standard errors.
    np.testing.assert_allclose(found, expected, rtol=4.5 * math.sqrt(2 / 4096))
    if not unit:
        rng = np.random.default_rng(0)
        other = _mean_squares(_published(rng) for _ in range(4))
        np.testing.assert_allclose(found, other, rtol=6 * math.sqrt(2 / 4096))


def _reference(first, second) -> tuple[mpf, mpf]:
    """GP kernel and NTK of depth 4, by E sin sin = exp(-(a + b)/2) sinh c."""
    with mp.workdps(50):
        # The package is given these deviations, as rounded to Python's floats.
        stds = [1 / math.sqrt(3 * IN_SIZE), *(math.sqrt(2) / FREQUENCY,) * 3]
        squares, w = [mpf(std) ** 2 for std in stds], mpf(FREQUENCY) ** 2

        def product(u, v):
            return sum(mpf(float(s)) * mpf(float(t)) for s, t in zip(u, v, strict=True))

        a, c, b = (
            product(u, v) / IN_SIZE
            for u, v in ((first, first), (first, second), (second, second))
        )
        tangent = mpf(0)
        for level, square in enumerate(squares):
            if level:
                tangent *= w * exp(-w * (a + b) / 2) * cosh(w * c)
                c = exp(-w * (a + b) / 2) * sinh(w * c)
                a, b = (exp(-w * v) * sinh(w * v) for v in (a, b))
            a, c, b, tangent = (square * v for v in (a, c, b, tangent + c))
        return c, tangent


def test_kernels(tolerance, epsilon):
    z = np.array([Z, Z, 0.98 * Z, [0.61, -0.87], [-0.6, 0.9], [0.3, 0.9]])
    z = np.asarray(jnp.asarray(z, float))
    network = hl.siren(depth=4, width=8, in_size=IN_SIZE, out=1)
    found = hl.dual_limit(network).kernels(jnp.asarray(z))
    for which, matrix in enumerate(found):
        for i in range(len(z)):
            exact = float(_reference(z[0], z[i])[which])
            # The first sine multiplies a rounding of the gap by the variance before
            # it, some 90: that is of the size of the diagonal.
            absolute = 2 * 90 * epsilon * float(matrix[0, 0])
            assert abs(matrix[0, i] - exact) < tolerance * abs(exact) + absolute


def test_description():
    network = hl.siren(depth=3, width=8, in_size=2, out=1, frequency=5.0, bias_std=0.1)
    assert network.activations == 2
    assert network.layers[1] == hl.Elementwise(Sin(5.0), unit=False)
    assert network.in_size == 2
    assert network.out_size(2) == 1
    assert hash(network) != hash(hl.siren(depth=3, width=8, in_size=2, out=1))


def test_as_a_primary_network():
    primary = hl.siren(
        depth=3, width=8, in_size=2, out=1, weights_generated=[False, True, True]
    )
    spec = hl.Hypernetwork(hl.mlp(depth=2, width=8), primary)
    assert len(spec.generated_parameters(2)) == 2
    kernel = hl.dual_limit(spec).ntk((jnp.ones((2, 3)), jnp.asarray([Z, -Z], float)))
    assert np.isfinite(kernel).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"depth": 0}, "depth=0"),
        ({"in_size": 0}, "in_size=0"),
        ({"out": 0}, "out=0"),
        ({"width": 0}, "width=0"),
        ({"frequency": 0.0}, "frequency=0.0"),
        ({"frequency": math.inf}, "frequency=inf"),
        ({"weights_generated": [True]}, "weights_generated has 1 answers"),
    ],
)
def test_what_is_refused(change, says, refuses):
    given = {"depth": 3, "width": 4, "in_size": 2, "out": 1, **change}
    with refuses(says):
        hl.siren(**given)
