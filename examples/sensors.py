"""Few, irregularly sampled functions: temperatures of rods that cool.

Each rod is known by two numbers, how well it conducts and where it was heated; a
handful of sensors read it at places and times of its own. What is wanted is the whole
course of rods that no sensor has touched, with error bars. scikit-learn does the
scaling and the search, which holds out whole rods, not readings.

The rods obey the heat equation with cold ends, solved by its Fourier series; the
readings have noise. Beside it is scikit-learn's own Gaussian process, with a length
for each of the four columns, fitted by likelihood: with so few meta-inputs, and
courses so smooth, it is the better model.

    python examples/sensors.py
"""

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
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


def main(rods=30, each=12, scales=(0.5, 0.7, 1.0), ridges=(1e-3, 1e-2)):
    """Fits both; returns their errors and the coverage of the error bars."""
    X, y, rod = readings(rods, each, seed=0)
    noisy = y + NOISE * np.random.default_rng(1).normal(size=y.shape)
    new, truth, _ = readings(50, 20, seed=2)
    model = HyperkernelGP(meta_columns=[0, 1], activation="erf", bandwidth=0.7)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {"hyperkernelgp__weight_std": scales, "hyperkernelgp__ridge": ridges},
        cv=GroupKFold(3),
    ).fit(X, noisy, groups=rod)
    kernel = ConstantKernel() * RBF(np.ones(4)) + WhiteKernel(0.01)
    peer = make_pipeline(
        StandardScaler(), GaussianProcessRegressor(kernel, normalize_y=True)
    ).fit(X, noisy)
    mean, deviation = search.best_estimator_.predict(new, return_std=True)

    def error(predicted):
        return float(np.sqrt(np.mean((predicted - truth) ** 2)) / np.std(truth))

    errors = error(mean), error(peer.predict(new))
    inside = float(np.mean(np.abs(mean - truth) < 1.96 * deviation))
    print(
        f"new rods from {each} readings of each of {rods}: error {errors[0]:.2f} of "
        f"the temperatures' spread, {inside:.0%} inside the 95% error bars; error "
        f"{errors[1]:.2f} by scikit-learn's Gaussian process"
    )
    return *errors, inside


if __name__ == "__main__":
    main()
