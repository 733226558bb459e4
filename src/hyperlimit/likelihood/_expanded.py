"""The log likelihood of many values by iteration, and its slopes."""

import warnings
from typing import final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from hyperlimit.likelihood._evaluation import AbstractObjective, Evaluation
from hyperlimit.likelihood._log_marginal_likelihood import log_marginal_likelihood
from hyperlimit.likelihood._log_numbers import LogNumbers
from hyperlimit.limits.gram import GramFamily


@final
class ExpandedObjective(AbstractObjective):
    r"""On a Kronecker sum, with the same random signs at every theta.

    With $\alpha = C^{-1} y$ and samples u of covariance $C^{-1}$,

    $$d \log p = \tfrac1{2s} \operatorname{tr} \alpha^T dC\, \alpha
      - \tfrac k2 \operatorname{mean}_j u_j^T dC\, u_j:$$

    weighted quadratic forms of dG with k + c vectors.
    """

    def __init__(
        self,
        numbers: LogNumbers,
        family: GramFamily,
        targets: Float[np.ndarray, "v k"],
        *,
        probes: int,
        seed: int,
        memory: int,
    ):
        self.numbers, self.family, self.targets = numbers, family, targets
        self._settings = {"probes": probes, "seed": seed, "memory": memory}

    def __call__(self, theta: Float[np.ndarray, " t"]) -> Evaluation:
        """The value and its slopes."""
        values, ridge = self.numbers.at(theta)
        operator = self.family.operator(values)
        with warnings.catch_warnings():
            # On the way it does not matter; what matters is where the ascent ends.
            warnings.filterwarnings("ignore", "the log determinant has not settled")
            found = log_marginal_likelihood(
                operator, self.targets, ridge=ridge, **self._settings
            )
        outputs, probes = self.targets.shape[1], found.samples.shape[1]
        weights = np.concatenate(
            [
                np.full(outputs, 1 / (2 * found.amplitude)),
                np.full(probes, -outputs / (2 * probes)),
            ]
        )
        with jax.enable_x64(True):
            vectors = jnp.concatenate([found.solution, found.samples], axis=1)
        squares = float(weights @ np.sum(np.asarray(vectors) ** 2, axis=0))
        slopes = np.zeros(len(values))
        if len(values):
            # The noise moves with the mean of the diagonal.
            trace = ridge * squares / len(self.targets)
            slopes = self.family.gradient(values, vectors, weights, trace)
        return Evaluation(
            found.value,
            found.error,
            self.numbers.slopes(values, slopes, found.noise * squares),
            found.amplitude,
            found.settled,
        )
