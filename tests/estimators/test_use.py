"""The estimators in the hands of scikit-learn, and of JAX's settings."""

import pickle
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hyperlimit as hl
from estimators.tables import gridded, sampled
from hyperlimit.estimators import HyperkernelGP, HyperkernelRegressor

NEW, _ = sampled(11, seed=1)


def predicted(columns, X, new=NEW, **settings):
    model = HyperkernelRegressor(columns, **settings)
    return model.fit(X, np.sin(X[:, 0])).predict(new)


def test_columns_are_found_by_place_name_and_slice():
    X, y = sampled()
    expected = predicted([0, 2], X)
    for columns in ((0, 2), [2, 0], [0, -2], np.array([0, 2]), slice(0, 4, 2)):
        # The order of x's numbers matters to no kernel, but for rounding.
        np.testing.assert_allclose(predicted(columns, X), expected, atol=1e-10)
    np.testing.assert_allclose(
        predicted([0, 1], X[:, [0, 2, 1, 3]], NEW[:, [0, 2, 1, 3]]),
        expected,
        atol=1e-10,
    )
    names = ["mass", "t", "load", "s"]
    frame, other = pd.DataFrame(X, columns=names), pd.DataFrame(NEW, columns=names)
    model = HyperkernelRegressor(["mass", "load"]).fit(frame, np.sin(X[:, 0]))
    np.testing.assert_allclose(model.predict(other), expected, atol=1e-10)
    np.testing.assert_array_equal(model.meta_columns_, [0, 2])
    np.testing.assert_array_equal(model.coordinate_columns_, [1, 3])
    one = HyperkernelRegressor("mass").fit(frame, y).predict(other)
    np.testing.assert_array_equal(one, HyperkernelRegressor(0).fit(X, y).predict(NEW))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([0, 4], "meta_columns holds 4 and X has 4 columns"),
        ([0, 0], "[0, 0] names a column twice"),
        ([0, -4], "names a column twice"),
        ([0, 1, 2, 3], "takes all 4 columns"),
        (slice(None), "takes all 4 columns"),
        (["mass"], "'mass' and X has no column names"),
        ([0.5], "holds 0.5"),
        ([True], "holds True"),
    ],
)
def test_wrong_columns_are_one_sentence(columns, words, refuses, unchecked_types):
    with refuses(words):
        HyperkernelRegressor(columns).fit(*sampled())


def test_a_wrong_name_is_one_sentence(refuses):
    X, y = sampled()
    with refuses("'mass'", "'a', 'b', 'c', 'd'"):
        HyperkernelRegressor(["mass"]).fit(pd.DataFrame(X, columns=[*"abcd"]), y)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"meta_depth": 1.5}, "meta_depth=1.5"),
        ({"primary_depth": 0}, "primary_depth=0"),
        ({"activation": "selu"}, "activation='selu'"),
        ({"weight_std": "1"}, "weight_std='1'"),
        ({"bias_std": -1.0}, "bias_std=-1.0"),
        ({"bandwidth": 0.0}, "bandwidth=0.0"),
        ({"kind": "rbf"}, "kind='rbf'"),
        ({"ridge": -1.0}, "ridge=-1.0"),
        ({"ridge": None}, "ridge=None"),
    ],
)
def test_wrong_settings_are_one_sentence(settings, words, refuses, unchecked_types):
    for model in (HyperkernelRegressor(**settings), HyperkernelGP(**settings)):
        with refuses(words):
            model.fit(*sampled())


def test_without_meta_columns_it_is_a_plain_network():
    X, y = sampled()
    settings = {"meta_depth": 3, "bias_std": 0.0, "ridge": 0.1, "normalize_y": False}
    plain = hl.dual_limit(hl.mlp(depth=3, width=4, activation="erf", out=1))
    with jax.enable_x64(True):
        for kind in ("ntk", "nngp"):
            found = HyperkernelRegressor(activation="erf", kind=kind, **settings)
            expected = hl.regress(
                plain, jnp.asarray(X), jnp.asarray(y), ridge=0.1, kind=kind
            )
            np.testing.assert_allclose(
                found.fit(X, y).predict(NEW),
                expected.mean(jnp.asarray(NEW)),
                atol=1e-10,
            )


def test_numbers_have_the_precision_of_the_table():
    X, y = sampled()
    for x64 in (False, True):
        with jax.enable_x64(x64):
            double = HyperkernelGP([0, 1], ridge=0.05).fit(X, y)
            single = HyperkernelGP([0, 1], ridge=0.05).fit(X.astype(np.float32), y)
            for new in (NEW, NEW.astype(np.float32)):
                wide, narrow = double.predict(new, True), single.predict(new, True)
                assert {a.dtype.name for a in wide} == {"float64"}
                assert {a.dtype.name for a in narrow} == {"float32"}
                np.testing.assert_allclose(narrow[0], wide[0], atol=1e-4)
                np.testing.assert_allclose(narrow[1], wide[1], atol=1e-4)


@pytest.mark.parametrize("solver", ["dense", "grid"])
def test_pickles_keep_every_digit(solver):
    X, y, every = gridded()
    model = HyperkernelGP([0, 1], solver=solver).fit(X, y)
    new = every[:25]
    expected = model.predict(new, return_std=True)
    written = pickle.dumps(model)
    for x64 in (False, True):
        with jax.enable_x64(x64):
            read = pickle.loads(written)
            found = read.predict(new, return_std=True)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


def test_pipelines_searches_and_clones():
    X, y, _ = gridded(10, 4, filled=1.0)
    scaled = ColumnTransformer(
        [("x", "passthrough", [0, 1]), ("z", StandardScaler(), [2, 3])]
    )
    model = make_pipeline(scaled, HyperkernelRegressor([0, 1]))
    search = GridSearchCV(
        model,
        {
            "hyperkernelregressor__bandwidth": [0.05, 2.0],
            "hyperkernelregressor__ridge": np.logspace(-4, 0, 2),
        },
        cv=2,
    ).fit(X, y)
    assert search.best_params_ == {
        "hyperkernelregressor__bandwidth": 2.0,
        "hyperkernelregressor__ridge": 1e-4,
    }
    assert search.best_score_ > 0.8
    best = clone(search.best_estimator_)
    assert best.get_params()["hyperkernelregressor__bandwidth"] == 2.0
    scores = cross_val_score(best, X, y, cv=search.cv)
    assert scores.mean() == pytest.approx(search.best_score_)
    # NumPy's numbers, as searches hand them over.
    numbers = {"meta_depth": np.int64(2), "ridge": np.float32(0.5)}
    HyperkernelRegressor().set_params(**numbers).fit(X, y)


def ran(script):
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )


def test_scikit_learn_is_imported_when_it_is_needed():
    found = ran(
        "import sys, hyperlimit as hl; assert 'sklearn' not in sys.modules; "
        "from hyperlimit.estimators import HyperkernelGP; "
        "assert hl.estimators.HyperkernelGP is HyperkernelGP is hl.HyperkernelGP"
    )
    assert found.returncode == 0, found.stderr
