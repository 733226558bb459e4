"""Leaving functions out, beside fits that never saw them."""

import numpy as np
import pytest

import hyperlimit as hl
from regression.problems import grid, hypernetwork

LIMIT = hl.dual_limit(hypernetwork(bandwidth=1.5))


def refitted(x, z, y, known, image, **settings):
    """The residuals of one function under a fit of the others."""
    rest = np.arange(len(x)) != image
    given = {} if known is None else {"known": known[rest]}
    fit = hl.regress_grid(LIMIT, x[rest], z, y[rest], **given, **settings)
    mean = np.asarray(fit.mean(x[image : image + 1]))[0]
    seen = slice(None) if known is None else known[image]
    return (np.asarray(y[image]) - mean)[seen]


@pytest.mark.float64_only(reason="agreement with other fits")
@pytest.mark.parametrize(
    ("share", "solver"),
    [(1.0, "iterative"), (0.6, "iterative"), (0.6, "dense"), (1.0, "dense")],
)
def test_it_is_what_a_fit_of_the_others_leaves(share, solver):
    x, z, y = grid(images=9, outputs=2)
    known = None
    if share < 1:
        known = np.random.default_rng(3).uniform(size=y.shape[:2]) < share
    settings = {"ridge": 0.05, "tolerance": 1e-9, "atol": 1e-7, "solver": solver}
    given = {} if known is None else {"known": known}
    fit = hl.regress_grid(LIMIT, x, z, y, **given, **settings)
    found = fit.leave_one_out([2, 7], exact=True)
    for image, residuals in zip(found.images, found.residuals, strict=True):
        expected = refitted(x, z, y, known, image, **settings)
        np.testing.assert_allclose(residuals, expected, atol=2e-6)
    square = np.mean(np.concatenate(found.residuals) ** 2)
    assert found.mean_squared_error == pytest.approx(square)
    assert found.errors == pytest.approx([np.mean(r**2) for r in found.residuals])


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_the_quick_one_is_near(share):
    """The preconditioner's blocks in place of the inverse's."""
    x, z, _ = grid(images=25)
    draw = np.random.default_rng(1)
    smooth = np.sin(np.asarray(z) @ draw.normal(size=(2, 3)) / 2)
    y = np.asarray(x[:, :3]) @ smooth.T
    known = draw.uniform(size=y.shape) < share
    fit = hl.regress_grid(
        LIMIT, x, z, y, known=known, ridge=0.01, tolerance=1e-4, solver="iterative"
    )
    quick, exact = fit.leave_one_out(), fit.leave_one_out(exact=True)
    assert len(quick.residuals) == 25
    assert quick.mean_squared_error == pytest.approx(exact.mean_squared_error, rel=0.15)
    near = np.concatenate(quick.residuals) - np.concatenate(exact.residuals)
    assert np.std(near) < 0.3 * np.std(np.concatenate(exact.residuals))


@pytest.mark.parametrize("solver", ["dense", "iterative"])
def test_functions_without_any_known_value(solver, refuses):
    """They have nothing to be compared with: left out, and refused by name."""
    x, z, y = grid()
    known = np.random.default_rng(3).uniform(size=y.shape[:2]) < 0.6
    known[4] = False
    fit = hl.regress_grid(LIMIT, x, z, y, known=known, ridge=0.1, solver=solver)
    found = fit.leave_one_out()
    np.testing.assert_array_equal(found.images, [0, 1, 2, 3, 5, 6])
    assert np.isfinite(found.mean_squared_error)
    assert np.isfinite(found.errors).all()
    with refuses("function 4", "no known value"):
        fit.leave_one_out([1, 4])


def test_images_that_there_are_not(refuses):
    x, z, y = grid()
    fit = hl.regress_grid(LIMIT, x, z, y[..., 0], ridge=0.1, solver="dense")
    with refuses("from 3 to 7", "below 7"):
        fit.leave_one_out([3, 7])
    with refuses("indices of training functions"):
        fit.leave_one_out(np.asarray([0.5]))
