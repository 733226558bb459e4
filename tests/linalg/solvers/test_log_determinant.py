"""Log determinants beside those of a dense factor, with and without preconditioners."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.linalg.operators import Dense, Shifted
from hyperlimit.linalg.solvers import (
    _log_determinant,
    log_determinant,
    preconditioner_for,
)

SIZE = 160


def matrix(decay=2.0, seed=0):
    """Eigenvalues that fall as a power of their index, in random directions."""
    draw = np.random.default_rng(seed)
    basis = np.linalg.qr(draw.standard_normal((SIZE, SIZE)))[0]
    return (basis * np.arange(1, SIZE + 1.0) ** -decay) @ basis.T


def shifted(values, noise):
    held = jnp.asarray(values, float)
    return Shifted(Dense(held), jnp.asarray(noise, held.dtype))


def exact(operator):
    held = np.asarray(operator.operator.matrix, np.float64)
    return np.linalg.slogdet(held + float(operator.shift) * np.eye(SIZE))[1]


@pytest.mark.parametrize("noise", [1e-2, 1e-4])
@pytest.mark.parametrize("how", ["alone", "preconditioned"])
def test_within_its_standard_errors(noise, how):
    operator = shifted(matrix(), noise)
    inverse = None
    if how == "preconditioned":
        inverse = preconditioner_for(operator.operator, noise).operator
    found = log_determinant(operator, inverse, probes=32)
    assert found.settled
    assert abs(found.value - exact(operator)) < 3.5 * found.error
    assert found.error < (15 if inverse is None else 3)


def test_preconditioning_takes_fewer_steps_and_probes():
    operator = shifted(matrix(), 1e-4)
    inverse = preconditioner_for(operator.operator, 1e-4).operator
    plain, quick = log_determinant(operator), log_determinant(operator, inverse)
    assert quick.depth < plain.depth
    assert quick.error < plain.error / 3


def test_the_whole_space_is_exact():
    """As many steps as rows; and random signs see all of a diagonal matrix."""
    diagonal = np.geomspace(1e-3, 10.0, SIZE)
    operator = shifted(np.diag(diagonal), 0.5)
    found = log_determinant(operator, probes=4, depth=SIZE)
    assert found.value == pytest.approx(np.log(diagonal + 0.5).sum(), abs=1e-3)
    assert found.error < 1e-3


def test_repeated_eigenvalues_exhaust_a_krylov_space():
    operator = shifted(np.diag(np.repeat([1.0, 4.0], SIZE // 2)), 0.0)
    found = log_determinant(operator, probes=4)
    assert found.value == pytest.approx(SIZE / 2 * np.log(4.0), rel=1e-6)


@pytest.mark.parametrize("how", ["alone", "preconditioned"])
def test_samples_have_the_inverse_as_covariance(how):
    """Traces of the inverse times any matrix, within their standard errors."""
    operator = shifted(matrix(), 1e-2)
    inverse = None
    if how == "preconditioned":
        inverse = preconditioner_for(operator.operator, 1e-2).operator
    samples = np.asarray(log_determinant(operator, inverse, probes=64).samples)
    held = np.asarray(operator.operator.matrix, np.float64) + 1e-2 * np.eye(SIZE)
    for other in (np.eye(SIZE), matrix(1.0, seed=1)):
        forms = np.sum(samples * (other @ samples), axis=0)
        expected = np.trace(np.linalg.solve(held, other))
        error = forms.std() / 8
        assert abs(forms.mean() - expected) < 3.5 * error
        assert error < 0.1 * expected


def test_probes_in_parts_are_the_same_probes():
    operator = shifted(matrix(), 1e-2)
    # One look at the estimate, and room for two Krylov spaces at a time.
    together = log_determinant(operator, probes=4, depth=5)
    apart = log_determinant(operator, probes=4, depth=5, memory=2 * 8 * SIZE * 6)
    assert not together.settled
    assert apart.value == pytest.approx(together.value, rel=1e-10)
    assert apart.error == pytest.approx(together.error, rel=1e-8)
    np.testing.assert_allclose(apart.samples, together.samples, rtol=1e-8, atol=1e-8)


def test_one_part_of_the_probes_is_in_memory(monkeypatch):
    bases, begun = [], _log_determinant.krylov_start

    def counted(signs, depth):
        held = [a.shape for a in jax.live_arrays() if a.ndim == 3]
        bases.append(sum(shape[1:] == signs.shape for shape in held))
        return begun(signs, depth)

    monkeypatch.setattr(_log_determinant, "krylov_start", counted)
    operator = shifted(matrix(), 1e-2)
    log_determinant(operator, probes=4, depth=5, memory=2 * 8 * SIZE * 6)
    assert bases == [0, 0]


def test_a_krylov_space_that_has_no_room_is_cut_or_refused(refuses):
    operator = shifted(matrix(), 1e-2)
    found = log_determinant(operator, probes=2, memory=8 * SIZE * 13)
    assert found.depth == 12
    assert not found.settled
    with refuses("memory=9000 bytes", f"at least {8 * SIZE * 11}"):
        log_determinant(operator, probes=2, memory=9000)


def test_single_precision_operators_keep_their_digits():
    """The same probes on a matrix rounded to single precision."""
    values = matrix()
    with jax.enable_x64(True):
        double = Shifted(Dense(jnp.asarray(values)), jnp.asarray(1e-3))
        single = Shifted(
            Dense(jnp.asarray(values, jnp.float32)), jnp.asarray(1e-3, jnp.float32)
        )
    inverse = preconditioner_for(single.operator, 1e-3).operator
    assert inverse.dtype == jnp.float32
    wide = log_determinant(double, inverse)
    assert log_determinant(single, inverse).value == pytest.approx(wide.value, abs=1e-3)


def test_wrong_input_is_one_sentence(refuses):
    with refuses("probes=1"):
        log_determinant(shifted(matrix(), 1e-2), probes=1)
    with refuses("not positive definite", "raise the ridge"):
        log_determinant(shifted(matrix(), -1e-2))
