"""The Gram operator beside the limit's own kernels, entry by entry."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl
from laws.operator_laws import OperatorCase, OperatorLaws

N, P = 9, 6


def spec(activation="relu", *, f=None, g=None, generated=True):
    """Two layers each; with biases of a deviation, or layers of g's own."""
    return hl.Hypernetwork(
        hl.mlp(depth=3, width=8, activation=activation, bias_std=f or 0.0),
        hl.mlp(
            depth=3,
            width=8,
            out=1,
            activation=activation,
            bias_std=g or 0.0,
            weights_generated=[generated, True, generated],
        ),
    )


def images(kind, n=N, seed=0):
    """Of equal length; with a duplicate and a near one; of lengths of their own."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((n, 5))
    x[3] = x[2]
    x[5] = x[4] + 1e-5 * draw.standard_normal(5)
    x /= np.linalg.norm(x, axis=1, keepdims=True) / 5**0.5
    if kind == "lengths":
        x *= draw.uniform(0.6, 1.7, (n, 1))
    return jnp.asarray(x, float)


def coordinates(p=P, seed=1):
    return jnp.asarray(np.random.default_rng(seed).standard_normal((p, 2)), float)


def exact(limit, x, z, x2, z2, kind):
    """All pairs of all points, by the limit's own kernel."""

    def points(x, z):
        return jnp.repeat(x, len(z), axis=0), jnp.tile(z, (len(x), 1))

    return np.asarray(getattr(limit, kind)(points(x, z), points(x2, z2)))


SPECS = {
    "relu": spec(),
    "erf": spec("erf"),
    "biases": spec(g=0.5),
    "own layers": spec(generated=False),
    "erf with biases in both": spec("erf", f=0.3, g=0.4),
}


# Every kernel of a description, at images of one length and of several.
@pytest.mark.parametrize(
    ("name", "lengths", "kind"),
    [
        ("relu", "unit", "nngp"),
        ("relu", "lengths", "ntk"),
        ("erf", "unit", "ntk"),
        ("erf", "lengths", "nngp"),
        ("biases", "unit", "nngp"),
        ("biases", "lengths", "ntk"),
        ("own layers", "unit", "ntk"),
        ("own layers", "lengths", "ntk"),
        ("erf with biases in both", "unit", "nngp"),
        ("erf with biases in both", "lengths", "ntk"),
    ],
)
def test_entries_are_the_kernel_within_the_stated_error(name, lengths, kind, epsilon):
    limit, x, z = hl.dual_limit(SPECS[name]), images(lengths), coordinates()
    tight = 1e-9 if epsilon < 1e-10 else 3e-6
    matrix = exact(limit, x, z, x, z, kind)
    gram = limit.gram(x, z, kind=kind, atol=tight * float(matrix.max()))
    found = np.asarray(gram.as_matrix())
    assert np.abs(found - matrix).max() <= 1.5 * gram.report.atol
    assert gram.report.error <= gram.report.atol
    assert gram.report.largest == pytest.approx(matrix.max(), rel=1e-4)
    np.testing.assert_allclose(found, found.T, atol=10 * epsilon * matrix.max())


@pytest.mark.float64_only(reason="asks for more digits")
def test_lengths_over_a_decade_and_the_cone_at_equal_images():
    """F is not smooth where images and coordinates are equal and lengths nearly so."""
    limit, x, z = hl.dual_limit(SPECS["biases"]), images("unit"), coordinates(20)
    lengths = 10 ** np.random.default_rng(1).uniform(-0.5, 0.5, N)
    lengths[3], lengths[5] = lengths[2], 1.001 * lengths[4]
    x = x * jnp.asarray(lengths[:, None])
    matrix = exact(limit, x, z, x, z, "ntk")
    terms = []
    for tight in (1e-6, 1e-9):
        gram = limit.gram(x, z, atol=tight * matrix.max())
        found = np.asarray(gram.as_matrix())
        assert np.abs(found - matrix).max() <= tight * matrix.max()
        terms.append(gram.report.terms)
    assert terms[0] < 30
    assert terms[1] < 60


@pytest.mark.float64_only(reason="three digits more than asked for")
def test_fewer_terms_for_less():
    limit, x, z = hl.dual_limit(SPECS["relu"]), images("unit"), coordinates()
    terms = [limit.gram(x, z, atol=atol).report.terms for atol in (1e-2, 1e-5, 1e-9)]
    assert terms[0] < terms[1] < terms[2] < 30


@pytest.mark.parametrize("memory", [0, 1400, 2**30], ids=["images", "angles", "kept"])
def test_left_factors_are_made_where_memory_says(memory, epsilon):
    limit, x, z = hl.dual_limit(SPECS["relu"]), images("lengths"), coordinates()
    matrix = exact(limit, x, z, x, z, "ntk")
    gram = limit.gram(x, z, memory=memory, atol=3e-6 * float(matrix.max()))
    where = {0: "from images", 1400: "from angles", 2**30: "kept"}
    assert gram.report.factors == where[memory]
    left, right = gram.factors
    assert left.shape == (gram.report.terms, N, N)
    made = np.einsum("kij,kpq->ipjq", left, right).reshape(N * P, N * P)
    own = np.kron(np.eye(N), np.ones((P, P)))
    np.testing.assert_allclose(
        made * (1 - own), matrix * (1 - own), atol=4e-6 * matrix.max()
    )
    vectors = np.random.default_rng(2).standard_normal((N * P, 2))
    found = gram @ jnp.asarray(vectors, float)
    scale = np.abs(matrix).sum(axis=1).max()
    np.testing.assert_allclose(
        found, matrix @ vectors, atol=4 * (3e-6 + 100 * epsilon) * scale
    )


@functools.cache
def points_case(which, epsilon):
    """The operator and its matrix: one for all laws."""
    if which == "lengths":
        return of_lengths(epsilon)
    x, z = images("unit"), coordinates()
    limit = hl.dual_limit(SPECS["own layers"])
    whole = exact(limit, x, z, x, z, "ntk")
    tight = 1e-11 if epsilon < 1e-10 else 3e-6
    given = {"atol": tight * float(whole.max()) * 10}
    mask = np.random.default_rng(4).uniform(size=(N, P)) < 0.4
    x2, z2 = images("unit", 6, seed=5), coordinates(4, seed=6)
    if which == "mask":
        gram = limit.gram(x, z, mask, **given)
        matrix = whole[np.ix_(mask.reshape(-1), mask.reshape(-1))]
    elif which == "others":
        gram = limit.gram(x, z, mask, others=(x2, z2), **given)
        matrix = exact(limit, x, z, x2, z2, "ntk")[mask.reshape(-1)]
    elif which == "tiled, others":
        gram = limit.gram(x, z, others=(x2, z2), method="tiled")
        matrix = exact(limit, x, z, x2, z2, "ntk")
    elif which == "tiled":
        gram, matrix = limit.gram(x, z, method="tiled"), whole
    elif which == "own coordinates":
        parts = [coordinates(1 + i % 3, seed=i) for i in range(N)]
        gram = limit.gram(x, parts, method="tiled")
        image = np.repeat(np.arange(N), [len(part) for part in parts])
        points = x[image], jnp.concatenate(parts)
        matrix = np.asarray(limit.ntk(points))
    else:
        gram, matrix = limit.gram(x, z, **given), whole
    return OperatorCase(which, gram, matrix)


def of_lengths(epsilon):
    """Two sets of points whose terms are symmetric and antisymmetric ones."""
    limit = hl.dual_limit(SPECS["biases"])
    x, z = images("lengths"), coordinates()
    x2, z2 = images("lengths", 6, seed=5), coordinates(4, seed=6)
    matrix = exact(limit, x, z, x2, z2, "nngp")
    tight = 1e-10 if epsilon < 1e-10 else 3e-5
    atol = tight * float(matrix.max())
    gram = limit.gram(x, z, others=(x2, z2), kind="nngp", atol=atol)
    return OperatorCase("lengths", gram, matrix)


class TestGram(OperatorLaws):
    """The laws, for masks, two sets of points, and any points."""

    @pytest.fixture(
        params=[
            "all",
            "mask",
            "others",
            "tiled",
            "tiled, others",
            "own coordinates",
            "lengths",
        ]
    )
    def case(self, request, epsilon):
        return points_case(request.param, epsilon)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "both"}, ("kind='both'",)),
        ({"method": "fast"}, ("method='fast'", "'tiled'")),
        ({"atol": -1.0}, ("atol=-1.0",)),
        ({"atol": 1e-300}, ("atol=1.0e-300", "method='tiled'")),
        ({"atol": 1e-300, "method": "tiled"}, ("atol=1.0e-300", "by rounding")),
        ({"memory": -1}, ("memory=-1",)),
        ({"x": jnp.ones(5)}, ("x has shape (5,)",)),
        ({"x": jnp.zeros((2, 5))}, ("image 0",)),
        ({"x": jnp.full((2, 5), jnp.nan)}, ("x holds 10 numbers",)),
        ({"z": jnp.ones((2, 2, 2)), "x": jnp.ones((2, 5))}, ("method='tiled'",)),
        ({"z": jnp.ones(2)}, ("z has shape (2,)",)),
        ({"mask": np.ones((2, 2), bool)}, ("mask has shape (2, 2)", "(9, 6)")),
        ({"mask": np.zeros((N, P), bool)}, ("no point",)),
        ({"others": (1,)}, ("1 parts",)),
        ({"others": (jnp.ones((2, 4)), jnp.ones((3, 2)))}, ("(5,)", "(4,)")),
    ],
)
def test_wrong_input_is_one_sentence(change, words, refuses, unchecked_types):
    given = {"x": images("unit"), "z": coordinates()} | change
    with refuses(*words):
        hl.dual_limit(SPECS["relu"]).gram(given.pop("x"), given.pop("z"), **given)
