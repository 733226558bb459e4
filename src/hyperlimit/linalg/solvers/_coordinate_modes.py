"""What a Kronecker preconditioner is made of on the side of the coordinates."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float

# Products that stand for the whole sum.
_PRINCIPAL = 4


class CoordinateModes(NamedTuple):
    r"""W, and the diagonal entries of right factors in it.

    $A'_j = \sum_k u_{kj} A_k$ and $B'_j$ are the few products nearest to the sum, W
    diagonalises $B'_1$ and $R = \sum_s \bar w_s D_s + \lambda I$ together, with
    $W^T R W = I$.

    Attributes:
        combinations: u, a row for each j.
        basis: W.
        shift: $1 / \beta$, $\beta$ the largest eigenvalue of $B'_1$ in W's basis: in
            the largest mode G is $A'_1 \beta + I$, and that is positive definite.
        strengths: $w_q^T B'_j w_q$.
        blocks: $w_q^T D_s w_q$.
        lowest: the ridge's share, $\lambda |w_q|^2$.
        log_volume: log |det W|.
    """

    combinations: Float[np.ndarray, "j r"]
    basis: Float[np.ndarray, "p p"]
    shift: float
    strengths: Float[np.ndarray, "j p"]
    blocks: Float[np.ndarray, "s p"]
    lowest: Float[np.ndarray, " p"]
    log_volume: float

    def diagonal(
        self,
        forms: Float[np.ndarray, "j l"],
        shares: Float[np.ndarray, "s l"],
        mean: Float[np.ndarray, " s"],
        images: int,
    ) -> tuple[Float[np.ndarray, "l p"], Float[np.ndarray, " p"]]:
        r"""L and the number of the complement, given l vectors over n images.

        Args:
            forms: $q_i^T A'_j q_i$.
            shares: $\sum_m w_{sm} q_{mi}^2$.
            mean: of w over the images.
            images: n.
        """
        found = forms.T @ self.strengths + shares.T @ self.blocks + self.lowest
        # The matrix is not below its ridge; rounding may be.
        found = np.where(found > self.lowest, found, self.lowest)
        trace = images * (mean @ self.blocks + self.lowest)
        rest = images - len(found)
        outer = (trace - found.sum(axis=0)) / max(rest, 1)
        return found, np.where((outer > self.lowest) & (rest > 0), outer, self.lowest)


def coordinate_modes(
    products: Float[np.ndarray, "r r"],
    right: Float[np.ndarray, "r p p"],
    mean: Float[np.ndarray, " s"],
    blocks: Float[np.ndarray, "s p p"],
    ridge: float,
) -> CoordinateModes:
    """W and what stands in its basis, from the inner products <A_k, A_l>.

    Cost: $O(r p^3)$.
    """
    inner = np.einsum("kpq,lpq->kl", right, right, optimize=True)
    one, two = _principal(products, inner)
    right = np.tensordot(two.T, right, 1)
    own = np.tensordot(mean, blocks, 1) + ridge * np.eye(len(right[0]))
    sizes, basis = scipy.linalg.eigh(right[0], own)
    return CoordinateModes(
        one.T,
        basis,
        float(1 / sizes[np.argmax(np.abs(sizes))]),
        _diagonals(basis, right),
        _diagonals(basis, blocks),
        ridge * np.sum(basis**2, axis=0),
        float(np.linalg.slogdet(basis)[1]),
    )


def _diagonals(
    basis: Float[np.ndarray, "p q"], matrices: Float[np.ndarray, "k p p"]
) -> Float[np.ndarray, "k q"]:
    """w_q^T B_k w_q."""
    found = [np.sum(basis * (b @ basis), axis=0) for b in matrices]
    return np.stack(found) if found else np.zeros((0, basis.shape[1]))


def _principal(
    left: Float[np.ndarray, "r r"], right: Float[np.ndarray, "r r"]
) -> tuple[Float[np.ndarray, "r j"], Float[np.ndarray, "r j"]]:
    r"""Coefficients of $A'_j = \sum_k u_{kj} A_k$ and $B'_j = \sum_k v_{kj} B_k$.

    $\sum_j A'_j \otimes B'_j$ is the sum of few products nearest to all of them, from
    the inner products of the A_k and those of the B_k.
    """
    sizes, vectors = np.linalg.eigh(left)
    sizes = np.where(sizes > 0, sizes, 0)
    half = (vectors * np.sqrt(sizes)) @ vectors.T
    strengths, turned = np.linalg.eigh(half @ right @ half)
    turned = turned[:, np.argsort(-strengths)[:_PRINCIPAL]]
    kept = sizes > 1e-12 * sizes.max()
    inverse = np.where(kept, 1 / np.sqrt(np.where(kept, sizes, 1)), 0)
    one = (vectors * inverse) @ vectors.T @ turned
    return one, left @ one
