"""What is measured of the networks, beside what theory and the paper expect."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import t as t_law

from hyperlimit.studies._study import Finding
from hyperlimit.studies.word2vec._config import Word2VecConfig

MUP_LIMIT = "muP, infinite width"
NTK_LIMIT = "NTK, infinite width"
GP_LIMIT = "last layer alone, infinite width"


class Measured(NamedTuple):
    """Of the networks of one kind, one for each seed.

    Attributes:
        training: the loss of a word before its step, mean over the last epoch.
        held_out: the loss of a word of the text that is not trained on.
        top_1: the share of analogies answered by the best answer.
        top_10: by one of the best ten.
        apart: the root mean square of how far the cosines of two words are from those
            at infinite width in muP.
    """

    training: Float[np.ndarray, " s"]
    held_out: Float[np.ndarray, " s"]
    top_1: Float[np.ndarray, " s"]
    top_10: Float[np.ndarray, " s"]
    apart: Float[np.ndarray, " s"]


Results = Mapping[str, Measured]


def finite(parametrisation: str, width: int) -> str:
    """The name of the networks of a width."""
    return f"{parametrisation}, width {width}"


def mean_interval(values: Float[np.ndarray, " s"]) -> tuple[float, float, float]:
    """The mean over seeds and Student's 95% interval of it."""
    mean, error = float(values.mean()), float(values.std(ddof=1)) / len(values) ** 0.5
    half = float(t_law.ppf(0.975, len(values) - 1)) * error
    return mean, mean - half, mean + half


def findings(
    config: Word2VecConfig, results: Results, guesses: float
) -> Iterator[Finding]:
    """The rows; differences are taken seed by seed.

    Args:
        config: names the widths.
        results: of all networks.
        guesses: the share of analogies that ten guesses answer.
    """
    names = [finite("muP", width) for width in config.widths]
    for one, two in pairwise((*names, MUP_LIMIT)):
        values = results[one].training - results[two].training
        yield _above(f"training loss: {one}, minus {two}", values)
    narrow, limit = results[names[0]], results[MUP_LIMIT]
    yield _above(
        f"held-out loss: {names[0]}, minus {MUP_LIMIT}",
        narrow.held_out - limit.held_out,
    )
    apart = np.stack([results[name].apart for name in names])
    slopes = np.polyfit(np.log(config.widths), np.log(apart), 1)[0]
    mean, low, high = mean_interval(slopes)
    what = "muP: exponent in the width of cosines' distance from the limit's"
    yield Finding(what, mean, (low, high))
    for times, other in ((3, narrow.top_10), (10, np.full_like(limit.top_10, guesses))):
        against = names[0] if times == 3 else "chance"
        what = f"analogies in ten: {MUP_LIMIT}, minus {times} times {against}"
        yield _above(what, limit.top_10 - times * other)
    for width in config.ntk_widths:
        mean, low, high = mean_interval(results[finite("NTK", width)].top_10)
        widest = width == config.ntk_widths[-1]
        yield Finding(
            f"analogies in ten: {finite('NTK', width)}",
            mean,
            (low, high),
            # What it comes to at infinite width.
            expected=f"chance, {guesses:.4f}" if widest else "",
            number=guesses if widest else None,
        )


def _above(what: str, values: Float[np.ndarray, " s"]) -> Finding:
    mean, low, high = mean_interval(values)
    return Finding(what, mean, (low, high), "above 0", holds=low > 0)
