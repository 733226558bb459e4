"""The log marginal likelihood of a Gaussian process whose covariance is an operator."""

import math
import warnings
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from hyperlimit.errors import InputError
from hyperlimit.limits.gram import Gram
from hyperlimit.linalg.operators import AbstractOperator, Shifted
from hyperlimit.linalg.solvers import (
    conjugate_gradients,
    log_determinant,
    preconditioner_for,
)


class LogLikelihood(NamedTuple):
    r"""An estimate of $\log p(y)$, and what its gradient is made of.

    Attributes:
        value: the estimate, of all outputs together.
        error: its standard error, from the log determinant's probes; without what
            steps that were not taken would change, where `settled` is false.
        amplitude: s.
        noise: $\lambda$.
        depth: Lanczos steps.
        settled: whether the last steps changed the log determinant little.
        solution: $(G + \lambda I)^{-1} y$, (v, k).
        samples: (v, c), independent columns u with $E u u^T = (G + \lambda I)^{-1}$.
    """

    value: float
    error: float
    amplitude: float
    noise: float
    depth: int
    settled: bool
    solution: Float[Array, "v k"]
    samples: Float[Array, "v c"]


def log_marginal_likelihood(
    gram: AbstractOperator,
    targets: ArrayLike,
    *,
    ridge: float,
    amplitude: float | Literal["ml"] = "ml",
    probes: int = 16,
    depth: int = 100,
    seed: int = 0,
    tolerance: float = 1e-6,
    memory: int = 2**30,
) -> LogLikelihood:
    r"""$\log p(y)$ for k independent outputs $y \sim N(0, s\,(G + \lambda I))$.

    With v values of each output and $C = G + \lambda I$,

    $$\log p = -\tfrac12 \Big[ \tfrac1s \operatorname{tr} y^T C^{-1} y
      + k \log\det C + v k \log 2 \pi s \Big],$$

    by conjugate gradients and stochastic Lanczos quadrature, both preconditioned. The
    amplitude that is likeliest is $s = \operatorname{tr} y^T C^{-1} y / (v k)$.

    Args:
        gram: G, from `limit.gram`, or any symmetric operator.
        targets: (v,) or (v, k), in the order of G's points.
        ridge: $\lambda$ in units of the mean of G's diagonal, positive.
        amplitude: s, or "ml" for the likeliest.
        probes: of the log determinant.
        depth: the most Lanczos steps.
        seed: of the probes.
        tolerance: on the relative residual of the solution.
        memory: bytes for the preconditioner, and as many for Krylov spaces.

    Cost: one preconditioner, and some (k + probes) times twenty products with G where
    targets are complete.

    Warns if the log determinant has not settled after `depth` steps: it is then biased
    by more than `error` says.

    Raises:
        InputError: for targets of another length, a ridge or amplitude out of range, or
            a matrix that is not positive definite.

    References:
        Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006,
        equation 5.8; Gardner, Pleiss, Bindel, Weinberger and Wilson, *GPyTorch*,
        NeurIPS 2018, for the iterative estimate.

    Examples:
        >>> import jax.numpy as jnp, hyperlimit as hl
        >>> f, g = hl.mlp(depth=2, width=8), hl.mlp(depth=2, width=8, out=1)
        >>> limit = hl.dual_limit(hl.Hypernetwork(f, g))
        >>> x, z = 1.0 + jnp.eye(4), jnp.array([[1.0, 0.0], [0.0, 1.0]])
        >>> gram = limit.gram(x, z, atol=1e-4)
        >>> found = hl.log_marginal_likelihood(gram, jnp.ones(8), ridge=0.1)
        >>> print(f"{found.value:.2f}")
        -5.02
    """
    if not 0 < ridge < math.inf:
        raise InputError(
            f"ridge={ridge!r} must be positive and finite: it is the noise variance in "
            "units of the mean prior variance, often 1e-4 to 1e-1."
        )
    if amplitude != "ml" and not 0 < float(amplitude) < math.inf:
        raise InputError(
            f"amplitude={amplitude!r} must be positive and finite, or 'ml' to fit it."
        )
    given = np.asarray(targets, np.float64)
    size = gram.shape[0]
    if given.ndim not in (1, 2) or len(given) != size:
        raise InputError(
            f"targets have shape {given.shape} for a Gram matrix of {size} rows: give "
            f"({size},) or ({size}, k)."
        )
    if not np.isfinite(given).all():
        raise InputError(
            f"targets holds {int((~np.isfinite(given)).sum())} numbers that are not "
            "finite: leave those points out by a mask."
        )
    operator = gram.operator if isinstance(gram, Gram) else gram
    noise = ridge * float(np.asarray(operator.diagonal(), np.float64).mean())
    total = Shifted(operator, jnp.asarray(noise, operator.dtype))
    inverse = preconditioner_for(operator, noise, memory, vectors=probes).operator
    with jax.enable_x64(True):
        values = jnp.asarray(given.reshape(size, -1))
    solution = conjugate_gradients(total, values, inverse, tolerance=tolerance).vectors
    found = log_determinant(
        total, inverse, probes=probes, depth=depth, seed=seed, memory=memory
    )
    if not found.settled:
        warnings.warn(
            f"the log determinant has not settled after {found.depth} Lanczos steps, "
            f"and is biased by more than its standard error of {found.error:.1e}: "
            "raise depth, the memory or the ridge.",
            stacklevel=2,
        )
    quadratic = float(np.sum(np.asarray(values) * np.asarray(solution)))
    value, scale = from_parts(quadratic, found.value, values.shape, amplitude)
    return LogLikelihood(
        value,
        values.shape[1] * found.error / 2,
        scale,
        noise,
        found.depth,
        found.settled,
        solution,
        found.samples,
    )


def from_parts(
    quadratic: float,
    log_determinant: float,
    shape: tuple[int, ...],
    amplitude: float | str,
) -> tuple[float, float]:
    """The log likelihood and the amplitude, for targets (v, k)."""
    count = shape[0] * shape[1]
    if isinstance(amplitude, str):
        # Targets that are all zero are likeliest at no amplitude at all.
        scale = max(quadratic / count, float(np.finfo(np.float64).tiny))
    else:
        scale = float(amplitude)
    value = quadratic / scale + shape[1] * log_determinant
    return -(value + count * math.log(2 * math.pi * scale)) / 2, scale
