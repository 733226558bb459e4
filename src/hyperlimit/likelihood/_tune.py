"""Learning the numbers of a hypernetwork's kernel from targets."""

import math
import warnings
from collections.abc import Sequence
from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from hyperlimit.errors import InputError
from hyperlimit.likelihood._ascent import Progress, Step, ascend
from hyperlimit.likelihood._dense import DenseObjective
from hyperlimit.likelihood._evaluation import AbstractObjective
from hyperlimit.likelihood._expanded import ExpandedObjective
from hyperlimit.likelihood._log_numbers import NAMES, LogNumbers, log_numbers
from hyperlimit.limits import DualLimit, dual_limit
from hyperlimit.limits.gram import GramFamily, Points, points_of
from hyperlimit.networks import Hypernetwork

# Up to this many values the log likelihood is exact; beyond this many, images are left
# out.
_DENSE, _VALUES = 2000, 100_000
# On an entry, in units of the largest; single precision rounds to no less.
_TOLERANCES = {"float64": 1e-6, "float32": 1e-5}


class Tuned(NamedTuple):
    """What was learned.

    Attributes:
        spec: the hypernetwork with its new numbers.
        ridge: the noise variance in units of the mean prior variance.
        amplitude: the likeliest factor of every variance.
        log_likelihood, error: at the end, of the images that were learned from, and
            its standard error over probes; zero if it is exact.
        history: the start, and where each step ended.
        reason: why the last step was the last.
        images: how many were learned from.
        settled: whether the log determinant at the end had settled; if not, it is
            biased by more than `error` says.
        refused: at how many places on the way the log likelihood could not be
            computed, and steps were taken back.
    """

    spec: Hypernetwork
    ridge: float
    amplitude: float
    log_likelihood: float
    error: float
    history: tuple[Step, ...]
    reason: str
    images: int
    settled: bool = True
    refused: int = 0


def tune(
    limit: DualLimit | Hypernetwork,
    x: ArrayLike,
    z: ArrayLike,
    targets: ArrayLike,
    known: ArrayLike | None = None,
    *,
    ridge: float = 1e-3,
    kind: Literal["ntk", "nngp"] = "ntk",
    learn: Sequence[str] = NAMES,
    steps: int = 50,
    images: int | None = None,
    probes: int = 16,
    seed: int = 0,
    memory: int = 2**30,
    progress: Progress | None = None,
) -> Tuned:
    r"""Numbers of the kernel under which the targets are likeliest.

    The targets $y_i(z_p)$ are taken for a Gaussian process of covariance
    $s\,(G + \lambda I)$, each output by itself, and $\log p(y)$ climbs by L-BFGS in
    the logarithms of: the bandwidth of Fourier features, the ridge, and a factor on
    all weight scales, and one on all bias scales, of f and of g each. Layers of one
    network keep their ratios. The amplitude s is the likeliest one throughout. What
    the description does not have, as a bias of scale zero, is not learned; nor is the
    bandwidth of frequencies with a seed.

    Up to 2,000 known values, $\log p$ and its gradient are exact, by a Cholesky
    factor. Beyond, they are estimates on the Gram operator (`log_marginal_likelihood`),
    with the same random signs at every step. Errors of two near steps are then nearly
    alike, but not the same: the preconditioner that the signs go through moves with
    the numbers. Warns if the log determinant at the end has not settled.

    Weight scales of a network that is homogeneous (relu, no biases) are an amplitude
    only, and stay where they are. Of others they are nearly one: they stay within a
    factor of 3 of the start, bias scales within 30, and ridges in [1e-9, 10].

    Args:
        limit: a hypernetwork, or `dual_limit` of one.
        x: (n, d), or images (n, h, w, c).
        z: coordinates (p, d_z).
        targets: (n, p) or (n, p, k), of mean zero.
        known: which targets count, (n, p); all by default.
        ridge: at the start, in units of the mean prior variance; positive.
        kind: "ntk" or "nngp".
        learn: some of "bandwidth", "ridge", "weight_std" and "bias_std".
        steps: the most.
        images: how many to learn from, drawn by the seed; by default all, or as many
            as have 100,000 known values.
        probes: of the log determinant.
        seed: of probes and images.
        memory: bytes for left factors, for the preconditioner and for Krylov spaces
            each.
        progress: told the steps and the log likelihood.

    Cost: a step is one or two evaluations, each of some twenty products with G for
    each output and probe, besides $O(n^2)$ entries of f's kernel and their gradient.

    Raises:
        InputError: for shapes that disagree, numbers that are not finite, names that
            cannot be learned, or a start at which G is not positive definite.

    References:
        Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006,
        section 5.4.

    Examples:
        >>> import jax.numpy as jnp, hyperlimit as hl
        >>> spec = hl.Hypernetwork(hl.mlp(depth=2, width=8), hl.mlp(
        ...     depth=2, width=8, out=1, inputs=hl.FourierFeatures(bandwidth=0.5)))
        >>> x, z = 1.0 + jnp.eye(4), jnp.linspace(0.0, 3.0, 6)[:, None]
        >>> smooth = jnp.sin(z[:, 0])[None, :] * jnp.ones((4, 1))
        >>> found = hl.tune(spec, x, z, smooth, learn=("bandwidth",))
        >>> print(f"{found.spec.primary.inputs.bandwidth:.1f}")
        1.2
    """
    limit = limit if isinstance(limit, DualLimit) else _limit_of(limit)
    if kind not in ("ntk", "nngp"):
        raise InputError(f"kind={kind!r} is not a kernel: give 'ntk' or 'nngp'.")
    if not 0 < ridge < math.inf:
        raise InputError(
            f"ridge={ridge!r} must be positive and finite: it is where the noise "
            "begins, in units of the mean prior variance."
        )
    if steps < 0 or probes < 2 or (images is not None and images < 1):
        raise InputError(
            f"steps={steps}, probes={probes} and images={images} were given: give at "
            "least 0, 2 and 1."
        )
    numbers = log_numbers(limit.spec, kind, ridge, learn)
    points, dtype = points_of(x, z, known, limit.spec.meta.inputs.rank)
    values = _values(targets, points)
    points, values = _some_images(points, values, images, seed)
    objective: AbstractObjective
    if len(points) <= _DENSE:
        objective = DenseObjective(numbers, points, values)
    else:
        objective = ExpandedObjective(
            numbers,
            _family(limit, numbers, points, dtype, memory),
            values,
            probes=probes,
            seed=seed,
            memory=memory,
        )
    found = ascend(objective, numbers, values.size, steps, progress)
    new, ridge = numbers.at(found.theta)
    if not found.found.settled:
        warnings.warn(
            "the log determinant where the ascent ended has not settled within its "
            f"Lanczos steps, at the ridge {ridge:.1e}: what was learned is biased, so "
            "start from a larger ridge, or give more memory.",
            stacklevel=2,
        )
    return Tuned(
        numbers.kernel.at(new).spec(),
        ridge,
        found.found.amplitude,
        found.found.value,
        found.found.error,
        found.history,
        found.reason,
        len(points.x),
        found.found.settled,
        found.refused,
    )


def _limit_of(spec: Hypernetwork) -> DualLimit:
    found = dual_limit(spec) if isinstance(spec, Hypernetwork) else None
    if not isinstance(found, DualLimit):
        raise InputError(
            f"tune was given a {type(spec).__name__}: give a Hypernetwork, or "
            "dual_limit of one."
        )
    return found


def _values(targets: ArrayLike, points: Points) -> np.ndarray:
    """The known targets, (v, k), in the order of the points."""
    given = np.asarray(targets, np.float64)
    given = given[..., None] if given.ndim == 2 else given
    count = (len(points.x), len(points.z))
    if points.own or given.ndim != 3 or given.shape[:2] != count:
        raise InputError(
            f"targets have shape {np.shape(targets)} for {count[0]} images at "
            f"{count[1]} coordinates: give (n, p) or (n, p, k), with one z for all."
        )
    flat = given.reshape(-1, given.shape[2])
    values = flat if points.index is None else flat[points.index]
    if not np.isfinite(values).all():
        raise InputError(
            f"known targets hold {int((~np.isfinite(values)).sum())} numbers that are "
            "not finite: leave those out by known."
        )
    return values


def _some_images(
    points: Points, values: np.ndarray, images: int | None, seed: int
) -> tuple[Points, np.ndarray]:
    """As many images as were asked for, or as have not too many values."""
    count = len(points.x)
    if images is None:
        images = max(1, count * _VALUES // len(points))
    if images >= count:
        return points, values
    chosen = np.sort(np.random.default_rng(seed).permutation(count)[:images])
    image = points.images(np.arange(len(points)))
    kept = np.isin(image, chosen)
    if points.image is None or points.place is None:
        some = Points(points.x[chosen], points.z, None, None, False)
    else:
        place = points.place[kept]
        where = np.searchsorted(chosen, points.image[kept])
        some = Points(points.x[chosen], points.z, where, place, False)
    if not kept.any():
        raise InputError(
            f"the {images} images drawn by seed={seed} have no known value: give more."
        )
    return some, values[kept]


def _family(
    limit: DualLimit,
    numbers: LogNumbers,
    points: Points,
    dtype: np.dtype,
    memory: int,
) -> GramFamily:
    first = limit.spec.meta.limit_inputs.prepare(jnp.asarray(points.x[:1], dtype))
    return GramFamily(
        numbers.kernel,
        points,
        dtype,
        limit.meta_pair_size(first),
        tolerance=_TOLERANCES.get(np.dtype(dtype).name, 1e-6),
        memory=memory,
    )
