"""The log determinant of an operator by stochastic Lanczos quadrature."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.linalg.operators import AbstractOperator
from hyperlimit.linalg.solvers._lanczos import (
    Krylov,
    in_precision,
    krylov_combined,
    krylov_room,
    krylov_start,
    krylov_steps,
)
from hyperlimit.linalg.solvers._preconditioner import AbstractPreconditioner

# Steps between two looks at the estimate.
_CHUNK = 5
# The last steps may change it by this part of its standard error, or of a number a row.
_SETTLED, _EXACT = 0.1, 1e-10


class LogDeterminant(NamedTuple):
    r"""An estimate of $\log\det G$.

    Attributes:
        value: the estimate.
        error: its standard error over the probes.
        depth: Lanczos steps.
        settled: whether the last steps changed little; if not, there were no more.
        samples: (n, c), independent columns u with $E u u^T = G^{-1}$, so that
            $u^T H u$ estimates $\operatorname{tr}(G^{-1} H)$.
    """

    value: float
    error: float
    depth: int
    settled: bool
    samples: Float[Array, "n c"]


def log_determinant(
    operator: AbstractOperator,
    preconditioner: AbstractPreconditioner | None = None,
    *,
    probes: int = 16,
    depth: int = 100,
    seed: int = 0,
    memory: int = 2**30,
) -> LogDeterminant:
    r"""$\log\det G$ of a symmetric positive definite operator.

    With a preconditioner $M^{-1} = S S^T$ and $B = S^T G S$, near the identity,

    $$\log\det G = \log\det M + \operatorname{tr}\log B,\qquad
      \operatorname{tr}\log B \approx \frac1c \sum_j g_j^T (\log B) g_j,$$

    the $g_j$ random signs and each form by Gauss quadrature in the Krylov space of
    $g_j$. The same space gives the samples $u = S B^{-1/2} g$.

    Lanczos's process runs in double precision, with the operator's products in
    double precision too, whatever it is held in. It goes on until five more steps
    change the estimate by less than a tenth of its standard error.

    Args:
        operator: G, (n, n).
        preconditioner: of the same size; without one, some hundred steps are needed.
        probes: c, at least 2.
        depth: the most steps.
        seed: of the signs.
        memory: bytes that Krylov spaces may take: 8 n `depth` for each probe of those
            that go together. One part is done with before the next begins. Where not
            one space has room, there are fewer steps.

    Cost: c `depth` products with G and with S, at most.

    Raises:
        InputError: for fewer than two probes, a matrix that is not positive
            definite, or memory for less than ten steps.

    References:
        Ubaru, Chen and Saad, *Fast Estimation of tr(f(A)) via Stochastic Lanczos
        Quadrature*, SIAM Journal on Matrix Analysis 2017; Wenger, Pleiss, Hennig,
        Cunningham and Gardner, *Preconditioning for Scalable Gaussian Process
        Hyperparameter Optimization*, ICML 2022.

    Examples:
        >>> import jax.numpy as jnp
        >>> from hyperlimit.linalg.operators import Dense
        >>> found = log_determinant(Dense(jnp.diag(jnp.array([1.0, 2.0, 4.0]))))
        >>> print(f"{found.value:.4f} {jnp.log(8.0):.4f}")
        2.0794 2.0794
    """
    if probes < 2:
        raise InputError(
            f"probes={probes} give no standard error: give at least 2, or some 16."
        )
    size = operator.shape[0]
    depth, together = krylov_room(size, probes, depth, memory)
    draw = np.random.default_rng(seed)
    signs = draw.choice([-1.0, 1.0], (size, probes))
    forms, samples, settled = [], [], None
    with jax.enable_x64(True):
        for start in range(0, probes, together):
            part = _Quadrature(
                (operator, preconditioner), signs[:, start : start + together], depth
            )
            # All go as deep as the first ones need.
            depth = part.deepened(depth, until_settled=settled is None)
            settled = part.settled if settled is None else settled
            forms.append(part.forms(depth))
            samples.append(part.samples(depth))
            # Its Krylov spaces go before the next ones come.
            del part
        every = np.concatenate(forms)
        value = float(every.mean())
        if preconditioner is not None:
            wide = in_precision(preconditioner, jnp.dtype(jnp.float64))
            value += float(wide.log_determinant())
        drawn = jnp.concatenate(samples, axis=1)
    error = float(every.std(ddof=1)) / math.sqrt(probes)
    return LogDeterminant(value, error, depth, bool(settled), drawn)


class _Quadrature:
    """Probes that go together, and their Krylov spaces."""

    def __init__(
        self,
        system: tuple[AbstractOperator, AbstractPreconditioner | None],
        signs: Float[np.ndarray, "n c"],
        depth: int,
    ):
        self.system = system
        self.krylov: Krylov = krylov_start(jnp.asarray(signs), depth)
        self.settled = False

    def deepened(self, depth: int, until_settled: bool = True) -> int:
        """Steps up to a depth, or until the estimate has settled; how many."""
        before, done = np.inf, 0
        while done < depth:
            count = min(_CHUNK, depth - done)
            self.krylov = krylov_steps(
                self.system, self.krylov, jnp.asarray(done), jnp.asarray(count)
            )
            done += count
            forms = self.forms(done)
            size = self.krylov.basis.shape[1]
            error = forms.std() / math.sqrt(len(forms))
            change = abs(forms.mean() - before)
            # As deep as the matrix is large, the quadrature is exact.
            self.settled = done == size or change <= max(
                _SETTLED * error, _EXACT * size
            )
            if self.settled and until_settled:
                break
            before = forms.mean()
        return done

    def forms(self, depth: int) -> Float[np.ndarray, " c"]:
        """g^T (log B) g."""
        values, first, _ = ritz(self.krylov, depth)
        size = self.krylov.basis.shape[1]
        return size * np.sum(first**2 * np.log(values), axis=1)

    def samples(self, depth: int) -> Float[Array, "n c"]:
        """S B^{-1/2} g."""
        values, first, vectors = ritz(self.krylov, depth)
        size = self.krylov.basis.shape[1]
        weights = np.einsum("cik,ck->ic", vectors, first / np.sqrt(values))
        room = len(self.krylov.diagonal) - depth
        padded = np.pad(math.sqrt(size) * weights, ((0, room), (0, 0)))
        return krylov_combined(self.system[1], self.krylov, jnp.asarray(padded))


def ritz(
    krylov: Krylov, depth: int
) -> tuple[
    Float[np.ndarray, "c k"], Float[np.ndarray, "c k"], Float[np.ndarray, "c k k"]
]:
    """T's eigenvalues, the first entries of its eigenvectors, and those.

    Raises:
        InputError: if they are not finite and positive.
    """
    diagonal = np.asarray(krylov.diagonal)[:depth].T
    beside = np.asarray(krylov.beside)[: depth - 1].T
    matrix = np.zeros((len(diagonal), depth, depth))
    index = np.arange(depth)
    matrix[:, index, index] = diagonal
    matrix[:, index[1:], index[:-1]] = beside
    if not np.isfinite(matrix).all():
        raise InputError(
            f"the matrix is not finite after {depth} Lanczos steps: scale the "
            "data, or raise the ridge."
        )
    values, vectors = np.linalg.eigh(matrix)
    if not values.min() > 0:
        raise InputError(
            f"the matrix is not positive definite (Ritz value {values.min():.1e} "
            f"after {depth} Lanczos steps): raise the ridge, lower atol, or use "
            "float64."
        )
    return values, vectors[:, 0], vectors
