"""What is learned: logarithms of factors on groups of a kernel's numbers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hyperlimit.errors import InputError
from hyperlimit.limits.gram import FreeKernel, free_kernel
from hyperlimit.networks import Hypernetwork

NAMES = ("bandwidth", "ridge", "weight_std", "bias_std")


class LogNumbers(NamedTuple):
    r"""From $\theta$, zero at the start, to a kernel's numbers and a ridge.

    All numbers of one name in one network are multiplied by one factor $e^{\theta_i}$,
    so that layers keep their ratios.

    Attributes:
        kernel: at the start.
        ridge: at the start.
        groups: what each $\theta_i$ is of, without the ridge.
        members: which numbers are in which group, (q, groups).
        learn_ridge: whether the last $\theta$ is the ridge's.
    """

    kernel: FreeKernel
    ridge: float
    groups: tuple[str, ...]
    members: Float[np.ndarray, "q m"]
    learn_ridge: bool

    @property
    def learned(self) -> int:
        """How many are learned."""
        return len(self.groups) + self.learn_ridge

    def at(
        self, theta: Float[np.ndarray, " t"]
    ) -> tuple[Float[np.ndarray, " q"], float]:
        """The numbers and the ridge."""
        factors = np.exp(self.members @ theta[: len(self.groups)])
        ridge = self.ridge
        if self.learn_ridge:
            ridge *= float(np.exp(theta[-1]))
        return np.asarray(self.kernel.values) * factors, ridge

    def slopes(
        self,
        values: Float[np.ndarray, " q"],
        in_values: Float[np.ndarray, " q"],
        in_log_ridge: float,
    ) -> Float[np.ndarray, " t"]:
        """From slopes in the numbers to slopes in theta."""
        found = self.members.T @ (values * in_values)
        return np.append(found, in_log_ridge) if self.learn_ridge else found

    def named(self, theta: Float[np.ndarray, " t"]) -> dict[str, float]:
        """The factor of each group."""
        factors = np.exp(theta[: len(self.groups)])
        return dict(zip(self.groups, (float(f) for f in factors), strict=True))


def log_numbers(
    spec: Hypernetwork, kind: str, ridge: float, learn: Sequence[str]
) -> LogNumbers:
    """What of `learn` the description has.

    Raises:
        InputError: for a name that is not one, or if nothing is left to learn.
    """
    unknown = [name for name in learn if name not in NAMES]
    if unknown or isinstance(learn, str):
        raise InputError(
            f"learn={learn!r} names what cannot be learned: give some of {NAMES}."
        )
    kernel = free_kernel(spec, kind, learn)
    marks = [("f", one.name) for one in kernel.of_meta]
    marks += [("g", one.name) for one in kernel.of_primary]
    groups = tuple(dict.fromkeys(f"{name} of {network}" for network, name in marks))
    members = np.zeros((len(marks), len(groups)))
    for row, (network, name) in enumerate(marks):
        members[row, groups.index(f"{name} of {network}")] = 1.0
    found = LogNumbers(kernel, float(ridge), groups, members, "ridge" in learn)
    if not found.learned:
        raise InputError(
            f"learn={tuple(learn)!r} leaves nothing to learn, as the description has "
            f"no positive numbers of these names: give others of {NAMES}."
        )
    return found
