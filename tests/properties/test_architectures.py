"""What holds for every architecture, on architectures drawn at random."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hyperlimit as hl

FEW = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
ACTIVATIONS = ("relu", "erf", "sin", "gelu")
SIZES = {"x": 4, "z": 3}


@st.composite
def primaries(draw, shallowest=1):
    depth = draw(st.integers(shallowest, 3))
    answers = draw(st.lists(st.booleans(), min_size=depth, max_size=depth))
    # Something must be generated.
    answers[draw(st.integers(0, depth - 1))] = True
    return {
        "depth": depth,
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "bias_std": draw(st.sampled_from((0.0, 0.5))),
        "weight_std": draw(st.sampled_from((1.0, 1.5))),
        "weights_generated": answers,
        "out": draw(st.integers(1, 2)),
    }


@st.composite
def metas(draw, shallowest=1):
    return {
        "depth": draw(st.integers(shallowest, 3)),
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "bias_std": draw(st.sampled_from((0.0, 0.5))),
    }


def described(meta, primary, n, m):
    return hl.Hypernetwork(hl.mlp(**meta, width=n), hl.mlp(**primary, width=m))


def inputs(seed, count=5):
    one, two = jax.random.split(jax.random.key(seed))
    x, z = jax.random.normal(one, (count, 4)), jax.random.normal(two, (count, 3))
    # A repeated pair, and pairs that share x or z alone.
    return jnp.concatenate([x, x[:3]]), jnp.concatenate([z, z[:1], z[3:5]])


def check_kernel(kernel, epsilon):
    scale = np.abs(kernel).max()
    np.testing.assert_allclose(kernel, kernel.T, rtol=0, atol=100 * epsilon * scale)
    least = np.linalg.eigvalsh((kernel + kernel.T).astype(np.float64) / 2)[0]
    assert least > -100 * epsilon * scale
    # Equal pairs have equal rows.
    np.testing.assert_allclose(kernel[0], kernel[5], rtol=0, atol=1e3 * epsilon * scale)


@FEW
@given(metas(), primaries(), st.integers(0, 99))
def test_limits_are_kernels(epsilon, meta, primary, seed):
    limit = hl.dual_limit(described(meta, primary, 8, 8))
    for kernel in limit.kernels(inputs(seed)):
        check_kernel(np.asarray(kernel), epsilon)


@FEW
@given(metas(), primaries(), st.integers(0, 99))
def test_empirical_kernels_are_kernels(epsilon, meta, primary, seed):
    net = hl.init(described(meta, primary, 6, 5), key=jax.random.key(seed), **SIZES)
    found = hl.empirical_ntk(net, inputs(seed), method="structured")
    check_kernel(np.asarray(found), epsilon)


@settings(FEW, max_examples=2)
@given(metas(shallowest=2), primaries(shallowest=2), st.integers(0, 99))
def test_the_limit_is_approached(meta, primary, seed):
    """Deviations of finite kernels shrink with the widths."""
    u = inputs(seed)
    exact = hl.dual_limit(described(meta, primary, 8, 8)).ntk(u)

    def deviation(width):
        spec = described(meta, primary, width, width)

        @jax.jit
        def off(key):
            net = hl.init(spec, key=key, **SIZES)
            return hl.empirical_ntk(net, u, method="structured") - exact

        keys = jax.random.split(jax.random.key(seed), 12)
        found = np.stack([off(key) for key in keys])
        return np.sqrt(np.mean(np.square(found))) / np.abs(exact).max()

    # Sixteen times as wide: a quarter, give or take what twelve draws leave open.
    narrow, wide = deviation(16), deviation(256)
    assert wide < 0.55 * narrow
    assert wide < 0.25


@FEW
@given(metas(), primaries())
def test_what_has_no_limit_is_refused(refuses, meta, primary):
    """Two activations in a row: the second reads what is not Gaussian."""
    spec = described(meta, primary, 8, 8)
    twice = (hl.Dense(8), hl.Elementwise("relu"), hl.Elementwise("erf"), hl.Dense(None))
    with refuses("Gaussian", "put Dense"):
        hl.dual_limit(hl.Hypernetwork(hl.Network(twice), spec.primary))
    with refuses("Gaussian", "put Dense"):
        last = hl.Network((*twice[:-1], hl.Dense(1)))
        hl.dual_limit(hl.Hypernetwork(spec.meta, last))
