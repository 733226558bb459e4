"""Steps by hand, random numbers by statistics, limits by wide networks, quick study."""

import dataclasses
import json
import os
import subprocess
import sys
from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hyperlimit.data import Analogy
from hyperlimit.studies import Silent, run_study, study
from hyperlimit.studies.word2vec import Word2VecConfig
from hyperlimit.studies.word2vec._analogies import (
    accuracy,
    chance,
    cosines_apart,
    questions,
)
from hyperlimit.studies.word2vec._corpus import corpus
from hyperlimit.studies.word2vec._examples import (
    NONE,
    TOGETHER,
    batches,
    parts,
    thinned,
)
from hyperlimit.studies.word2vec._networks import (
    KernelLimit,
    LinearNetwork,
    kernel_limit,
    mup,
    mup_limit,
    ntk,
)
from hyperlimit.studies.word2vec._task import task
from hyperlimit.studies.word2vec._train import descended, losses, trained
from hyperlimit.studies.word2vec._vocabulary import Vocabulary, encoded, vocabulary

CLI = (sys.executable, "-m", "hyperlimit.cli")
V = 12
CONFIG = Word2VecConfig(words=V, batch=4, window=3, negatives=5)
KNOWN = Vocabulary({}, np.arange(30, 30 - V, -1))


def a_text(length, seed=0):
    """Words that depend on the ones before them."""
    generator = np.random.default_rng(seed)
    return ((generator.integers(0, 4, length).cumsum()) % V).astype(np.int32)


@pytest.fixture(scope="module")
def text():
    return a_text(900)


@pytest.fixture(scope="module")
def every(text):
    return batches(text, KNOWN, CONFIG, np.random.default_rng(1), (0.5, 0.0))


def test_every_word_is_predicted_once_from_its_window(text, every):
    """The batches against loops over the text."""
    assert len(every.rate) % TOGETHER == 0
    count = -(-len(text) // CONFIG.batch)
    np.testing.assert_allclose(every.rate[:count], 0.5 * (1 - np.arange(count) / count))
    assert every.words.shape == (len(every.rate), 4 + 2 * 3)
    assert np.all(every.words[count:, 3:-3] == NONE)
    assert np.concatenate([p.words for p in parts(every)]).shape == every.words.shape
    found = jax.jit(jax.vmap(task))(every)
    for place, word in enumerate(text):
        step, row = divmod(place, CONFIG.batch)
        radius = every.radii[step, row]
        window = [
            text[other]
            for other in range(place - radius, place + radius + 1)
            if other != place and 0 <= other < len(text)
        ]
        read = np.zeros(V)
        np.add.at(read, found.sources[step], found.mixing[step, row])
        expected = np.bincount(window, minlength=V) / len(window)
        np.testing.assert_allclose(read, expected, atol=1e-6)
        negatives = every.negatives[step, row]
        np.testing.assert_array_equal(found.targets[step, row], [word, *negatives])
        counted = [1, *(negatives != word)]
        np.testing.assert_array_equal(found.counted[step, row], counted)
    assert found.counted.sum(axis=2).astype(bool).sum() == len(text)
    assert np.all(np.asarray(found.right) == [1, 0, 0, 0, 0, 0])


def test_a_word_alone_is_not_predicted():
    alone = batches(
        np.zeros(1, np.int32), KNOWN, CONFIG, np.random.default_rng(0), (0.1, 0.0)
    )
    nets = {"one": mup_limit(V)}
    moved, found = trained(nets, alone)
    assert int(found.counts.sum()) == 0
    assert float(found.sums["one"].sum()) == 0
    np.testing.assert_array_equal(moved["one"].inputs, np.eye(V))


def test_a_step_is_that_of_automatic_differentiation(text, every, tolerance):
    """The gradient of the loss as the definition has it, word by word."""
    keys = jax.random.split(jax.random.key(0), 4)
    inputs, outputs = (0.7 * jax.random.normal(k, (V, 3)) for k in keys[:2])
    values = jax.random.normal(keys[2], (V, V))
    step, rate = 5, 0.3

    def expected_loss(score):
        total = 0.0
        for row in range(CONFIG.batch):
            place = step * CONFIG.batch + row
            radius = every.radii[step, row]
            around = [
                *range(place - radius, place),
                *range(place + 1, place + radius + 1),
            ]
            read = sum(jax.nn.one_hot(text[other], V) for other in around) / len(around)
            total -= jnp.log(jax.nn.sigmoid(score(read)[text[place]]))
            for other in every.negatives[step, row]:
                if other != text[place]:
                    total -= jnp.log(1 - jax.nn.sigmoid(score(read)[other]))
        return total

    def linear(arrays):
        return expected_loss(lambda x: 0.6 * arrays[1] @ (arrays[0].T @ x))

    def table(array):
        return expected_loss(lambda x: x @ array)

    batch = type(every)(*(array[step] for array in every))
    given = jax.jit(task)(batch)
    moved = jax.jit(descended)
    rate = jnp.asarray(rate)
    net = moved(LinearNetwork(inputs, outputs, scale=0.6), given, rate)
    slopes = jax.jit(jax.grad(linear))((inputs, outputs))
    for got, birth, slope in zip(
        (net.inputs, net.outputs), (inputs, outputs), slopes, strict=True
    ):
        np.testing.assert_allclose(got, birth - rate * slope, atol=10 * tolerance)
        assert np.abs(slope).max() > 0.1
    slope = jax.jit(jax.grad(table))(values)
    for layers in (1, 2):
        net = moved(KernelLimit(values, layers), given, rate)
        expected = values - layers * rate * slope
        np.testing.assert_allclose(net.values, expected, atol=10 * tolerance)


def test_losses_are_those_before_the_step(every):
    part = next(parts(every))
    births = {"a": mup(jax.random.key(0), V, 3)}
    still = type(part)(*part[:3], rate=0 * part.rate)
    _, found = trained(jax.tree.map(jnp.copy, births), still)
    expected = losses(births, part)
    np.testing.assert_allclose(found.sums["a"], expected.sums["a"], rtol=1e-5)
    np.testing.assert_array_equal(found.counts, CONFIG.batch)
    # Outputs that are zero say 1/2 to everything.
    terms = jax.vmap(task)(part).counted.sum(axis=(1, 2))
    np.testing.assert_allclose(found.sums["a"], terms * np.log(2), rtol=1e-5)


def test_chances_by_counting():
    """Each within 4.5 standard errors of a binomial law."""
    generator = np.random.default_rng(0)
    counts = np.array([10_000, 3_000, 500, 40, 7])
    known = Vocabulary({}, counts)
    text = np.repeat(np.arange(5, dtype=np.int32), counts)
    config = Word2VecConfig(batch=64, threshold=0.01, negatives=9, window=5)
    kept = np.bincount(thinned(text, known, config, generator), minlength=5)
    share = counts / counts.sum()
    chances = np.fmin(1, (0.01 / share) ** 0.5 + 0.01 / share)
    assert list(chances < 1) == [True, True, True, False, False]
    errors = (counts * chances * (1 - chances)) ** 0.5
    assert np.all(np.abs(kept - counts * chances) <= 4.5 * errors)
    every = batches(text, known, config, generator, (0.1, 0.0))
    drawn = np.bincount(every.negatives.ravel(), minlength=5)
    chances = counts**0.75 / np.sum(counts**0.75)
    errors = (drawn.sum() * chances * (1 - chances)) ** 0.5
    assert np.all(np.abs(drawn - drawn.sum() * chances) < 4.5 * errors)
    radii = np.bincount(every.radii.ravel())
    assert len(radii) == 6
    assert np.all(
        np.abs(radii[1:] / every.radii.size - 0.2) < 4.5 * 0.4 / len(text) ** 0.5
    )


def test_seeds_are_other_draws(text):
    one, two, three = (
        batches(text, KNOWN, CONFIG, np.random.default_rng(seed), (0.1, 0.0))
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.negatives, two.negatives)
    assert not np.array_equal(one.negatives, three.negatives)
    assert not np.array_equal(one.radii, three.radii)


def test_orthonormal_embeddings_are_the_limit(every, epsilon):
    """A finite network whose words are at right angles at birth."""
    birth = np.linalg.qr(np.random.default_rng(0).normal(size=(V + 5, V)))[0].T
    nets = {
        "limit": mup_limit(V),
        "finite": LinearNetwork(jnp.asarray(birth, float), jnp.zeros((V, V + 5))),
    }
    for part in parts(every):
        nets, found = trained(nets, part)
    np.testing.assert_allclose(
        found.sums["finite"], found.sums["limit"], rtol=1e4 * epsilon, atol=1e-12
    )
    limit, finite = nets["limit"].embeddings, nets["finite"].embeddings
    assert np.abs(limit - np.eye(V)).max() > 0.3
    np.testing.assert_allclose(finite, limit @ birth, atol=1e4 * epsilon)


WIDTHS = (64, 512, 4096)


def slope(errors):
    """Of the logarithm of the mean square over draws against that of the width."""
    sizes = [np.mean(np.square(values)) ** 0.5 for values in errors]
    return np.polyfit(np.log(WIDTHS), np.log(sizes), 1)[0]


def test_wide_networks_in_mup_approach_the_limit(every):
    """Inner products at 1/sqrt(n), from the same windows and negatives."""
    draws = 4
    nets = {"limit": mup_limit(V)}
    for width in WIDTHS:
        for draw in range(draws):
            key = jax.random.fold_in(jax.random.key(width), draw)
            nets[f"{width} {draw}"] = mup(key, V, width)
    nets, found = trained(nets, next(parts(every)))
    limit = np.asarray(nets["limit"].embeddings)
    gram, last = limit @ limit.T, float(found.sums["limit"].sum())
    apart, above = [], []
    for width in WIDTHS:
        names = [f"{width} {draw}" for draw in range(draws)]
        grams = [nets[n].embeddings @ nets[n].embeddings.T for n in names]
        apart.append(np.array(grams) - gram)
        above.append([float(found.sums[n].sum()) - last for n in names])
    assert slope(apart) == pytest.approx(-0.5, abs=0.08)
    assert slope(above) < -0.25
    assert np.abs(apart[-1]).mean() < 0.02


@pytest.mark.parametrize("layers", [1, 2])
def test_wide_networks_in_ntk_parametrisation(layers, every):
    """f nears the kernel's from the same birth, and embeddings stay, at 1/sqrt(n)."""
    nets = {}
    for width in WIDTHS:
        net = ntk(jax.random.key(width), V, width)
        nets[f"finite {width}"] = net
        values = net.scale * net.inputs @ net.outputs.T
        nets[f"limit {width}"] = KernelLimit(values, layers)
    births = {name: jnp.copy(net.embeddings) for name, net in nets.items()}
    nets, _ = trained(nets, next(parts(every)))
    apart, moved = [], []
    for width in WIDTHS:
        net = nets[f"finite {width}"]
        values = net.scale * net.inputs @ net.outputs.T
        apart.append(values - nets[f"limit {width}"].values)
        moved.append(net.inputs - births[f"finite {width}"])
    if layers == 2:
        assert slope(apart) == pytest.approx(-0.5, abs=0.15)
        assert slope(moved) == pytest.approx(-0.5, abs=0.05)
    else:
        # Both layers of the network are trained: another limit than that of one.
        assert slope(apart) > -0.1


def test_analogies_by_sorting():
    generator = np.random.default_rng(0)
    embeddings = generator.normal(size=(9, 4))
    asked = np.array([generator.permutation(9)[:4] for _ in range(40)])
    unit = embeddings / np.linalg.norm(embeddings, axis=1)[:, None]
    for top in (1, 3):
        hits = 0
        for a, b, c, d in asked:
            near = np.argsort(-unit @ (unit[b] - unit[a] + unit[c]))
            hits += d in [word for word in near if word not in (a, b, c)][:top]
        assert accuracy(embeddings, asked, top) == pytest.approx(hits / 40)


def test_distance_of_cosines_by_loops():
    generator = np.random.default_rng(0)
    one, two = generator.normal(size=(5, 3)), generator.normal(size=(5, 7))

    def cosine(rows, i, j):
        return rows[i] @ rows[j] / (rows[i] @ rows[i] * (rows[j] @ rows[j])) ** 0.5

    squares = [
        (cosine(one, i, j) - cosine(two, i, j)) ** 2 for i in range(5) for j in range(i)
    ]
    assert cosines_apart(one, two) == pytest.approx(np.mean(squares) ** 0.5)
    assert cosines_apart(one, one * generator.uniform(1, 2, (5, 1))) < 1e-7


def test_embeddings_at_right_angles_guess():
    asked = np.array([[0, 1, 2, 3], [5, 2, 7, 1]])
    for top in (1, 4):
        assert accuracy(np.eye(9), asked, top) == pytest.approx(chance(9, top))
        limit = kernel_limit(jax.random.key(0), 9, layers=2)
        found = accuracy(np.asarray(limit.embeddings), asked, top)
        assert found == pytest.approx(chance(9, top))


def test_words_are_numbered_by_how_frequent_they_are(refuses):
    text = ["b", "a", "c", "b", "d", "a", "b", "c"]
    known = vocabulary(text, 3)
    assert known.numbers == {"b": 0, "a": 1, "c": 2}
    np.testing.assert_array_equal(known.counts, [3, 2, 2])
    np.testing.assert_array_equal(encoded(text, known), [0, 1, 2, 0, 1, 0, 2])
    with refuses("4 different words", "5 are wanted"):
        vocabulary(text, 5)
    every = [Analogy("a", "b", "c", "d"), Analogy("a", "b", "c", "b")]
    with refuses("none of the 2"):
        questions(every, known)
    np.testing.assert_array_equal(questions(every, vocabulary(text, 4)), [[1, 0, 2, 3]])


with_gensim = pytest.mark.skipif(
    find_spec("gensim") is None, reason="gensim is not installed"
)


@with_gensim
def test_the_end_of_the_text_is_held_out():
    given = corpus(Word2VecConfig(words=500, held_out=0.1))
    total = len(given.training) + len(given.held_out)
    assert len(given.held_out) == round(0.1 * total)
    assert total == given.known.counts.sum()
    every = np.concatenate([given.training, given.held_out])
    np.testing.assert_array_equal(np.bincount(every), given.known.counts)


def test_a_small_study_on_a_text_of_ones_own(tmp_path, monkeypatch):
    """Nothing but loss to be learned: every network is measured, the same twice."""
    letters = "abcdefghijkl"
    (tmp_path / "text.txt").write_text(" ".join(letters[word] for word in a_text(4000)))
    asked = (Analogy("a", "b", "c", "d"), Analogy("e", "f", "g", "h"))
    corpus_of = "hyperlimit.studies.word2vec._corpus.analogies"
    monkeypatch.setattr(corpus_of, lambda: asked)
    small = Word2VecConfig(
        words=V,
        widths=(2, 5),
        births=(3, 1),
        ntk_widths=(3,),
        seeds=2,
        epochs=2,
        threshold=1.0,
    )
    this = dataclasses.replace(study("word2vec"), full=small)
    path = str(tmp_path / "text.txt")
    one, two = (
        run_study(this, tmp_path / out, Silent(), data=path) for out in ("one", "two")
    )
    assert one["config"]["data"] == path
    assert one["data"]["text"]["words"] == 4000
    assert list(one["data"]["networks"]) == [
        "NTK, infinite width",
        "NTK, width 3",
        "last layer alone, infinite width",
        "muP, infinite width",
        "muP, width 2",
        "muP, width 5",
    ]
    for found in one["data"]["networks"].values():
        assert all(np.shape(values) == (2,) for values in found.values())
        # Below what guessing gives; other seeds are other networks.
        assert np.all(found["training"] < 26 * np.log(2))
        assert found["training"][0] != found["training"][1]
    guesses = one["data"]["chance"]["top_1"]
    assert guesses == 1 / 9
    kernel = one["data"]["networks"]["NTK, infinite width"]
    np.testing.assert_allclose(kernel["top_1"], guesses)
    for name, found in one["data"]["networks"].items():
        for key, values in found.items():
            np.testing.assert_array_equal(values, two["data"]["networks"][name][key])


def test_data_are_for_studies_that_take_them(tmp_path, refuses):
    with refuses("--data x.txt", "rotation makes its own"):
        run_study(study("rotation"), tmp_path / "out", Silent(), data="x.txt")
    with refuses("x.txt", "cannot be read"):
        run_study(study("word2vec"), tmp_path / "out", Silent(), data="x.txt")
    assert not (tmp_path / "out").exists()


@with_gensim
@pytest.mark.study
def test_the_quick_study(tmp_path):
    """As users run it: compiled with XLA's optimisations, in single precision."""
    environment = {n: v for n, v in os.environ.items() if n != "XLA_FLAGS"}
    subprocess.run(
        [*CLI, "study", "word2vec", "--quick", "--out", str(tmp_path / "out")],
        env=environment | {"JAX_ENABLE_X64": "0"},
        check=True,
        timeout=300,
    )
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (tmp_path / "out" / "figure.png").stat().st_size > 10_000
    nets = {n: v for n, v in found["data"]["networks"].items()}
    limit, narrow = nets["muP, infinite width"], nets["muP, width 16"]
    for one, two in zip(narrow["training"], limit["training"], strict=True):
        assert two < one - 0.05
    # Chance is 0.01; of 87 analogies three standard errors are 0.03.
    assert np.mean(limit["top_10"]) > 0.3
    assert np.mean(limit["top_10"]) > np.mean(narrow["top_10"]) + 0.1
    assert np.mean(nets["NTK, width 64"]["top_10"]) < 0.1
