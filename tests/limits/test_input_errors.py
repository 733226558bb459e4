"""What cannot be read as a limit or as its inputs, and the sentence that says so."""

import numpy as np
import pytest

import hyperlimit as hl

SPEC = hl.Hypernetwork(
    meta=hl.mlp(depth=2, width=4), primary=hl.mlp(depth=2, width=4, out=1)
)
X, Z = np.ones((3, 4), np.float32), np.ones((3, 2), np.float32)

REFUSED = {
    "x has shape (4,): give one row an example, shape (n, d)": (X[0], Z),
    "z has shape (3, 2, 1): give one row an example": (X, Z[..., None]),
    "x has shape (3, 0): give one row an example": (X[:, :0], Z),
    "x is complex (complex64): give real numbers.": (X.astype(np.complex64), Z),
    "x has 2 rows and z has 3: row i of both": (X[:2], Z),
    "reads pairs, but a ndarray was given: give (x, z)": X,
    "reads pairs, but a tuple was given: give (x, z)": (X, Z, Z),
    "reads pairs, but a dict was given: give (x, z)": {"x": X, "z": Z},
}


def _refused(read, sentence):
    with pytest.raises(hl.InputError) as caught:
        read()
    message = str(caught.value)
    assert sentence in message
    assert "\n" not in message
    assert message.endswith(".")


@pytest.mark.parametrize("sentence", REFUSED)
@pytest.mark.parametrize(
    "method", ["kernels", "ntk", "nngp", "ntk_diagonal", "nngp_diagonal"]
)
def test_inputs(sentence, method, unchecked_types):
    read = getattr(hl.dual_limit(SPEC), method)
    _refused(lambda: read(REFUSED[sentence]), sentence)


@pytest.mark.parametrize("sentence", REFUSED)
def test_other_inputs(sentence, unchecked_types):
    _refused(lambda: hl.dual_limit(SPEC).ntk((X, Z), REFUSED[sentence]), sentence)


def test_inputs_of_a_plain_network():
    limit = hl.dual_limit(hl.mlp(depth=2, width=4, out=1))
    _refused(lambda: limit.ntk(X[0]), "x has shape (4,): give one row an example")


@pytest.mark.parametrize("given", [hl.Dense(3), "relu", None])
def test_what_is_no_network(given, unchecked_types):
    _refused(
        lambda: hl.dual_limit(given),
        f"dual_limit was given a {type(given).__name__}: give a Hypernetwork",
    )


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("columns", [3, 12])
def test_columns_of_the_two_sides_differ(side, columns):
    """Few columns are compared one by one: none must be left out in silence."""
    other = [X, Z]
    other[side] = np.ones((3, columns), np.float32)
    sentence = f"with rows of {columns} numbers: give both sides the same columns"
    _refused(lambda: hl.dual_limit(SPEC).ntk((X, Z), tuple(other)), sentence)


def test_whole_numbers_are_read(tolerance):
    limit = hl.dual_limit(SPEC)
    whole = limit.ntk((X.astype(np.int32), Z.astype(bool)))
    np.testing.assert_allclose(whole, limit.ntk((X, Z)), rtol=1e-6)
