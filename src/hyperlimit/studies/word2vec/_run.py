"""The study: all networks on the same words, windows and negatives, from many seeds."""

from collections import defaultdict

import jax
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from hyperlimit.plotting import LimitCurve, widths_figure
from hyperlimit.studies._reporter import Reporter, Update
from hyperlimit.studies._study import Findings
from hyperlimit.studies.word2vec._analogies import accuracy, chance, cosines_apart
from hyperlimit.studies.word2vec._config import Word2VecConfig
from hyperlimit.studies.word2vec._corpus import Corpus, corpus
from hyperlimit.studies.word2vec._examples import Batch, batches, parts, thinned
from hyperlimit.studies.word2vec._findings import (
    GP_LIMIT,
    MUP_LIMIT,
    NTK_LIMIT,
    Measured,
    Results,
    findings,
    finite,
    mean_interval,
)
from hyperlimit.studies.word2vec._networks import kernel_limit, mup, mup_limit, ntk
from hyperlimit.studies.word2vec._train import Networks, losses, trained

# Between the name of a kind of network and the number of one of them.
_BIRTH = ", birth "


def run(config: Word2VecConfig, reporter: Reporter) -> Findings:
    """Trains every network from every seed, and asks it the analogies.

    Raises:
        InputError: if there is no such text, or it is too short.
    """
    with reporter.stage("reading the text"):
        given = corpus(config)
    rows = []
    with reporter.stage("training", total=config.seeds * config.epochs) as update:
        for index in range(config.seeds):
            before = index * config.epochs
            rows.append(_one_run(config, given, index, before, update))
    results = {
        name: Measured(*np.array([row[name] for row in rows]).T) for name in rows[0]
    }
    guesses = chance(config.words, 10)
    return Findings(
        rows=tuple(findings(config, results, guesses)),
        data={
            "text": given.summary(),
            "chance": {"top_1": chance(config.words, 1), "top_10": guesses},
            "networks": {name: found._asdict() for name, found in results.items()},
        },
        figure=_figure(config, results, guesses),
    )


def _one_run(
    config: Word2VecConfig, given: Corpus, index: int, before: int, update: Update
) -> dict[str, Float[np.ndarray, " m"]]:
    """What is measured of all networks from one seed, in the mean over births."""
    generator = np.random.default_rng([config.seed, 1 + index])
    key = jax.random.fold_in(jax.random.key(config.seed), index)
    networks, training = _newborn(config, key), {}
    for epoch in range(config.epochs):
        start, end = (1 - (epoch + n) / config.epochs for n in (0, 1))
        rates = (config.rate * start, config.rate * end)
        text = thinned(given.training, given.known, config, generator)
        every = batches(text, given.known, config, generator, rates)
        sums = dict.fromkeys(networks, 0.0)
        total = 0
        for part in parts(every):
            networks, found = trained(networks, part)
            total += int(found.counts.sum())
            for name, values in found.sums.items():
                sums[name] += float(values.sum())
        training = {name: value / total for name, value in sums.items()}
        remark = f"seed {index + 1}, loss {training[MUP_LIMIT]:.3f} at infinite width"
        update(before + epoch + 1, remark)
    found = losses(networks, _held_out(config, given))
    total = float(found.counts.sum())
    vectors = {name: np.asarray(net.embeddings) for name, net in networks.items()}
    measured = defaultdict(list)
    for name, own in vectors.items():
        measured[name.split(_BIRTH)[0]].append(
            (
                training[name],
                float(found.sums[name].sum()) / total,
                accuracy(own, given.questions, 1),
                accuracy(own, given.questions, 10),
                cosines_apart(own, vectors[MUP_LIMIT]),
            )
        )
    return {name: np.mean(rows, axis=0) for name, rows in measured.items()}


def _newborn(config: Word2VecConfig, key: jax.Array) -> Networks:
    words, keys = config.words, iter(jax.random.split(key, 100))
    return (
        {
            f"{finite('muP', n)}{_BIRTH}{birth}": mup(next(keys), words, n)
            for n, births in zip(config.widths, config.births, strict=True)
            for birth in range(births)
        }
        | {MUP_LIMIT: mup_limit(words)}
        | {finite("NTK", n): ntk(next(keys), words, n) for n in config.ntk_widths}
        | {NTK_LIMIT: kernel_limit(next(keys), words, layers=2)}
        | {GP_LIMIT: kernel_limit(next(keys), words, layers=1)}
    )


def _held_out(config: Word2VecConfig, given: Corpus) -> Batch:
    """The end of the text, read alike by all."""
    generator = np.random.default_rng([config.seed, 0])
    text = thinned(given.held_out, given.known, config, generator)
    return batches(text, given.known, config, generator, (0.0, 0.0))


def _figure(config: Word2VecConfig, results: Results, guesses: float) -> Figure:
    mup_curve = ("muP", config.widths, MUP_LIMIT, results)
    ntk_curve = ("NTK", config.ntk_widths, NTK_LIMIT, results)
    asked = "analogies, right answer among ten"
    return widths_figure(
        {
            "loss of a word in muP, last epoch": [_curve(*mup_curve, "training")],
            "loss of a word in NTK parametrisation": [_curve(*ntk_curve, "training")],
            asked: [_curve(*mup_curve, "top_10"), _curve(*ntk_curve, "top_10")],
        },
        {asked: ("chance", guesses)},
    )


def _curve(
    label: str, widths: tuple[int, ...], limit: str, results: Results, quantity: str
) -> LimitCurve:
    names = [*(finite(label, width) for width in widths), limit]
    found = [mean_interval(getattr(results[name], quantity)) for name in names]
    means, low, high = np.array(found).T
    return LimitCurve(label, widths, means, np.stack([low, high]))
