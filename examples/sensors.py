"""Few, irregularly sampled functions: temperatures of rods that cool.

Each rod is known by two numbers, how well it conducts and where it was heated; a
handful of sensors read it at places and times of its own. What is wanted is the whole
course of rods that no sensor has touched, with error bars. scikit-learn does the
scaling and the search, which holds out whole rods, not readings.

The rods obey the heat equation with cold ends, solved by its Fourier series; the
readings have noise. The same search is given to a Gaussian process on all four columns
alike.

    python examples/sensors.py
"""

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hyperlimit.estimators import HyperkernelGP

NOISE = 0.03
MODES = np.arange(1, 40)


def temperature(rods, points):
    """Solutions of u_t = c u_ss, u = 0 at both ends, after a hot spot of width 0.1."""
    conductivity, spot = 10.0 ** rods[:, :1], rods[:, 1:]
    place, time = points[:, :1], points[:, 1:]
    first = np.sin(np.pi * MODES * spot) * np.exp(-((0.1 * np.pi * MODES) ** 2) / 2)
    left = np.exp(-conductivity * (np.pi * MODES) ** 2 * time)
    return np.sum(first * left * np.sin(np.pi * MODES * place), axis=1)


def readings(rods, each, seed):
    """A table of (log conductivity, spot, place, time), temperatures, and the rod."""
    draw = np.random.default_rng(seed)
    rod = np.repeat(np.arange(rods), each)
    low, high = [-2.0, 0.3], [-1.0, 0.7]
    x = draw.uniform(low, high, (rods, 2))[rod]
    z = draw.uniform([0, 0], [1, 1], (len(rod), 2))
    return np.concatenate([x, z], axis=1), temperature(x, z), rod


def searched(model, settings, X, y, rod):
    """The best settings for rods that were held out."""
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {f"{type(model).__name__.lower()}__{name}": v for name, v in settings.items()},
        cv=GroupKFold(4),
    )
    return search.fit(X, y, groups=rod).best_estimator_


def main(rods=30, each=12, bandwidths=(0.7, 1.0, 1.4), ridges=(1e-3, 1e-2)):
    """Fits and compares; returns both errors and the coverage of the error bars."""
    X, y, rod = readings(rods, each, seed=0)
    noisy = y + NOISE * np.random.default_rng(1).normal(size=y.shape)
    new, truth, _ = readings(50, 20, seed=2)
    hyper = searched(
        HyperkernelGP(meta_columns=[0, 1]),
        {"bandwidth": bandwidths, "ridge": ridges},
        X,
        noisy,
        rod,
    )
    plain = searched(
        GaussianProcessRegressor(normalize_y=True, optimizer=None),
        {"kernel": [RBF(scale) for scale in bandwidths], "alpha": ridges},
        X,
        noisy,
        rod,
    )
    mean, deviation = hyper.predict(new, return_std=True)

    def error(predicted):
        return float(np.sqrt(np.mean((predicted - truth) ** 2)) / np.std(truth))

    errors = error(mean), error(plain.predict(new))
    inside = float(np.mean(np.abs(mean - truth) < 1.96 * deviation))
    print(
        f"new rods from {each} readings of each of {rods}: error {errors[0]:.3f} of "
        f"the temperatures' spread, {errors[1]:.3f} by a Gaussian process that takes "
        f"the four columns alike; {inside:.0%} inside the 95% error bars"
    )
    return *errors, inside


if __name__ == "__main__":
    main()
