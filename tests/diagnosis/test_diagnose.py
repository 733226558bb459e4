"""Diagnoses of networks whose faults are known."""

import importlib.util
import re
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hyperlimit as hl
from hyperlimit.diagnosis import data_from, image_task, network_from
from hyperlimit.diagnosis._corrected import corrected
from hyperlimit.diagnosis._kernel import kernel, spectrum
from hyperlimit.diagnosis._problem import half_mean_square, problem
from hyperlimit.diagnosis._scales import START, scales
from hyperlimit.diagnosis._trials import Step, first_step, predict

KEY = jax.random.key(0)
TRAINED = eqx.is_inexact_array


def example():
    path = Path(__file__).parents[2] / "examples" / "badly_initialised.py"
    spec = importlib.util.spec_from_file_location("badly_initialised", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def floats(arrays):
    kind = jax.dtypes.canonicalize_dtype(float)
    return tuple(jnp.asarray(a, kind) for a in arrays)


@pytest.fixture(scope="module")
def data():
    return floats(image_task(hl.data.load("digits").pixels[::6]))


@pytest.fixture(scope="module")
def by_hand():
    def make(std):
        return example().by_hand(KEY, std, seen=32)

    return make


def small():
    spec = hl.Hypernetwork(
        hl.mlp(depth=3, width=12, bias_std=0.3),
        hl.mlp(depth=2, width=6, bias_std=0.5, out=2, weights_generated=[True, False]),
    )
    return hl.init(spec, key=KEY, x=5, z=3)


def few(seed=1):
    keys = jax.random.split(jax.random.key(seed), 3)
    x, z = jax.random.normal(keys[0], (4, 5)), jax.random.normal(keys[1], (4, 3, 3))
    return problem((x, z, jax.random.normal(keys[2], (4, 3, 2))))


def size(array):
    return float(jnp.sqrt(jnp.mean(jnp.asarray(array) ** 2)))


def test_sizes_are_what_is_met_on_the_way(epsilon):
    net, data = small(), few()
    found = scales(net, TRAINED, data, half_mean_square)
    rows = {(row.network, row.name): row for row in found.layers}
    first, second = net.meta.values[0], net.meta.values[2]
    below = data.x @ first["weight"].T / 5**0.5 + 0.3 * first["bias"][None]
    hidden = 2**0.5 * jax.nn.relu(below)
    row = rows["f", "meta.values[2]['weight']"]
    assert row.inputs == pytest.approx(size(hidden), rel=100 * epsilon)
    assert row.weight == pytest.approx(size(second["weight"]) / 12**0.5)
    written = jax.vmap(net.generated)(data.x)[0]["weight"]
    row = rows["g", "values[0]['weight']"]
    assert row.weight == pytest.approx(size(written) / 3**0.5, rel=100 * epsilon)
    spread = jnp.sum(jnp.var(written, axis=0)) / jnp.sum(jnp.mean(written**2, axis=0))
    assert row.varies == pytest.approx(float(spread), rel=1e3 * epsilon)
    assert rows["g", "values[2]['weight']"].varies == pytest.approx(0, abs=epsilon)
    outputs = predict(net, data)
    assert found.outputs == pytest.approx(size(outputs), rel=100 * epsilon)
    assert found.targets == pytest.approx(float(jnp.std(data.y)), rel=100 * epsilon)
    # The last layer's outputs are the network's: its loss's slope is the error's.
    off = (outputs - data.y) / 2
    last = rows["g", "values[2]['weight']"]
    assert last.gradient == pytest.approx(size(off), rel=1e3 * epsilon)


def test_corrected_layers_have_the_right_size(by_hand, data):
    net = by_hand(lambda fan_in: 3 * fan_in**-0.5)
    part = problem(data).part(24, 24, KEY)
    found = scales(net, TRAINED, part, half_mean_square)
    assert found.layers[-1].outputs > 100 * found.targets
    mended = corrected(net, TRAINED, part, found, varying=1.0, key=KEY)
    assert mended.missed == ()
    again = scales(mended.net, TRAINED, part, half_mean_square)
    for row in again.layers[:-1]:
        assert row.outputs == pytest.approx(1, rel=0.02)
    assert again.outputs == pytest.approx(START * found.targets, rel=0.02)
    # With x's say in the weights a tenth, sizes stay and little differs between x.
    mended = corrected(net, TRAINED, part, found, varying=0.1, key=KEY)
    assert mended.shared
    shared = scales(mended.net, TRAINED, part, half_mean_square)
    for one, two in zip(again.layers, shared.layers, strict=True):
        assert two.weight == pytest.approx(one.weight, rel=0.25)
        assert two.varies is None or two.varies < 0.03


def test_what_cannot_be_corrected_is_said():
    class Bounded(eqx.Module):
        f: eqx.nn.Linear
        g: eqx.nn.Linear

        def primary(self, x):
            weight = 5 * jnp.tanh(self.f(x)).reshape(1, 3)
            return eqx.tree_at(lambda g: g.weight, self.g, weight)

        def __call__(self, x, z):
            return self.primary(x)(z)

    keys = jax.random.split(KEY)
    f = eqx.nn.Linear(5, 3, key=keys[0])
    net = Bounded(f, eqx.nn.Linear(3, 1, use_bias=False, key=keys[1]))
    data = few()._replace(y=0.01 * few().y[..., :1])
    found = scales(net, TRAINED, data, half_mean_square)
    assert found.primary_factors["weight"] < 0.1
    mended = corrected(net, TRAINED, data, found, varying=0.1, key=KEY)
    assert mended.missed == ("weight",)
    assert not mended.shared


@pytest.mark.parametrize(
    ("std", "gain"),
    [
        (lambda fan_in: fan_in**-0.5, 0.7),
        pytest.param(lambda fan_in: (2 / fan_in) ** 0.5, 0.2, marks=pytest.mark.long),
    ],
    ids=["flax", "He"],
)
@pytest.mark.float64_only(reason="a minute of training in either")
def test_following_the_advice_trains_faster(std, gain, by_hand, data):
    net = by_hand(std)
    found = hl.diagnose(net, data, steps=25, draws=0)
    assert found.changed
    assert found.best.end < gain * found.given.end
    assert found.advice[0].about == "initialisation"
    # On other batches, and for longer, than the diagnosis itself has tried.
    whole = problem(data)

    def after(net, rate):
        def value(net, key):
            rows = jax.random.choice(key, len(whole.x), (32,))
            part = whole._replace(x=whole.x[rows], z=whole.z[rows], y=whole.y[rows])
            return half_mean_square(predict(net, part), part.y)

        chosen, rest = eqx.partition(net, TRAINED)
        rule = optax.adam(rate)

        def step(carry, key):
            chosen, state = carry
            slope = jax.grad(lambda c: value(eqx.combine(c, rest), key))(chosen)
            updates, state = rule.update(slope, state)
            return (optax.apply_updates(chosen, updates), state), None

        keys = jax.random.split(jax.random.key(7), 100)
        with jax.numpy_dtype_promotion("standard"):
            (chosen, _), _ = jax.lax.scan(step, (chosen, rule.init(chosen)), keys)
        return float(
            half_mean_square(predict(eqx.combine(chosen, rest), whole), whole.y)
        )

    assert after(found.network, found.learning_rate) < 0.9 * after(net, 1e-3)


def test_the_spectrum_says_how_long_it_takes(epsilon):
    """A network that is linear in its weights follows the prediction exactly."""
    spec = hl.Hypernetwork(hl.mlp(depth=1, width=1), hl.mlp(depth=1, width=1, out=1))
    net = hl.init(spec, key=KEY, x=5, z=3)
    data = few()._replace(y=few().y[..., :1])
    theta = kernel(net, TRAINED, data)
    start = float(half_mean_square(predict(net, data), data.y))
    modes = spectrum(theta, net, data, 0.4 * start)
    assert modes.shares.sum() == pytest.approx(1)

    def loss(net):
        return half_mean_square(predict(net, data), data.y)

    rate = modes.largest_rate / 200
    slope = eqx.filter_jit(eqx.filter_grad(loss))
    steps = round(modes.time / rate)
    for _ in range(steps):
        net = jax.tree.map(lambda w, g: w - rate * g, net, slope(net))
    assert float(loss(net)) == pytest.approx(0.4 * start, rel=0.02)


def test_the_first_step_is_seen_through(epsilon):
    """Near its start a ReLU network is a polynomial along a line of its parameters."""
    net, part = small(), few()
    step = first_step(net, TRAINED, part, half_mean_square, optax.sgd)
    slope = eqx.filter_grad(lambda n: half_mean_square(predict(n, part), part.y))(net)

    @eqx.filter_jit
    def moved(rate):
        return predict(jax.tree.map(lambda w, g: w - rate * g, net, slope), part)

    assert step.error == pytest.approx(size(moved(0.0) - part.y), rel=1e3 * epsilon)
    reach = 0.01 / max(1, size(jax.tree.leaves(slope)[0]))
    nodes = np.cos(np.pi * np.arange(6) / 5)
    values = np.stack([np.asarray(moved(reach * t), np.float64) for t in nodes])
    # f has three layers, and g one that is f's and one of its own: of degree four.
    fit = np.polynomial.polynomial.polyfit(nodes, values.reshape(6, -1), 5)
    if epsilon < 1e-10:
        assert np.abs(fit[5]).max() < 1e-10 * np.abs(fit[1]).max()
    for order, tolerance in ((1, 1e3), (2, 1e6), (3, 1e9)):
        if tolerance * epsilon < 0.1:
            found = reach**order * step.terms[order - 1]
            assert found == pytest.approx(size(fit[order]), rel=tolerance * epsilon)
    assert step.at(step.covering)[0] == pytest.approx(1)
    first, second, _ = step.at(step.bending)
    assert second == pytest.approx(first / 2)


def test_a_network_that_does_not_move_has_no_rate():
    still = Step(error=1.0, terms=(0.0, 0.0, 0.0))
    assert (still.covering, still.bending) == (np.inf, np.inf)
    assert still.at(0.1) == (0, 0, 0)


def test_a_description_is_held_against_its_limit():
    spec = hl.Hypernetwork(hl.mlp(depth=2, width=16), hl.mlp(depth=2, width=8, out=1))
    data = few()
    found = hl.diagnose(spec, (data.x, data.z, data.y[..., :1]), steps=3, draws=6)
    assert set(found.spreads) == {"now", "f twice as wide", "g twice as wide"}
    assert found.spreads["now"] > 0.2
    assert found.limit is not None
    # Six draws leave the mean within its own standard error of the limit, or so.
    assert found.limit[0] < 3 * found.spreads["now"] / 6**0.5
    text = str(found)
    assert "dual limit" in text
    assert "between draws" in text
    page = found.html()
    assert page.startswith("<!doctype html>")
    assert not re.search(r'(src|href)="(?!data:)', page)
    for advice in found.advice:
        assert re.search(r"\d", advice.text)


def test_inputs_of_a_wrong_size_come_first():
    data = few()
    found = hl.diagnose(small(), (50 * data.x, data.z, data.y), steps=2, draws=0)
    assert found.advice[0].about == "inputs"
    assert "x has entries" in found.advice[0].text


def closure():
    """A primary network that is a function: nobody sees its weights."""

    class Closed(eqx.Module):
        f: eqx.nn.Linear

        def primary(self, x):
            weight = self.f(x)
            return lambda z: weight[None] @ z

        def __call__(self, x, z):
            return self.primary(x)(z)

    return Closed(eqx.nn.Linear(5, 3, key=KEY))


def test_weights_that_cannot_be_seen(refuses):
    """The kernel is that of the network as a whole; a diagnosis needs to see them."""
    net, given = closure(), few()
    found = hl.empirical_ntk(net, (given.x, given.z))
    plain = hl.empirical_ntk(lambda_free(net), (given.x, given.z))
    np.testing.assert_allclose(found, plain, rtol=1e-4)
    with refuses("Closed", "return an Equinox module"):
        hl.diagnose(net, (given.x, given.z, given.y[..., :1]))


def lambda_free(net):
    """The same network, whose primary is a module."""

    class Open(eqx.Module):
        f: eqx.nn.Linear

        def primary(self, x):
            head = eqx.nn.Linear(3, 1, use_bias=False, key=KEY)
            return eqx.tree_at(lambda g: g.weight, head, self.f(x)[None])

        def __call__(self, x, z):
            return self.primary(x)(z)

    return Open(net.f)


def test_each_change_has_its_number(by_hand, data):
    found = hl.diagnose(by_hand(lambda n: n**-0.5), data, steps=8, draws=0)
    assert set(found.tried) == {"sizes corrected", "weights shared", "both"}
    text = " ".join(str(found).split())
    for name, trials in found.tried.items():
        assert f"{name} {min(one.end for one in trials):.3g}" in text
    assert f"none {min(one.end for one in found.alone):.3g}" in text


def test_a_class_or_a_broken_file_in_place_of_a_network(tmp_path, refuses):
    place = tmp_path / "given.py"
    lines = [
        "import equinox as eqx",
        "class One(eqx.Module):",
        "    f: eqx.nn.Linear",
        "    def __init__(self, *, key):",
        "        self.f = eqx.nn.Linear(2, 3, key=key)",
        "def two(a, b):",
        "    return a",
    ]
    place.write_text("\n".join(lines))
    net, draw = network_from(f"{place}:One", KEY)
    assert type(net).__name__ == "One"
    other = draw(jax.random.key(1))
    assert not np.array_equal(net.f.weight, other.f.weight)
    with refuses("takes a, b"):
        network_from(f"{place}:two", KEY)
    place.write_text("x = 1\nimport nowhere_at_all\n")
    with refuses("line 2", "ModuleNotFoundError"):
        network_from(f"{place}:x", KEY)
    with refuses("there is no file"):
        data_from(str(tmp_path / "absent.npz"))


def test_files_and_names(tmp_path, refuses):
    place = Path(__file__).parents[2] / "examples" / "badly_initialised.py"
    net, draw = network_from(f"{place}:flax_default", KEY)
    assert type(net).__name__ == "ByHand"
    assert draw is not None
    x, z, y = data_from("digits")
    assert (x.shape[1], z.shape, y.shape[1:]) == (32, (64, 2), (64, 1))
    np.testing.assert_allclose(z.var(axis=0), 1, rtol=1e-5)
    np.savez(tmp_path / "given.npz", x=x, z=z)
    with refuses("not y"):
        data_from(str(tmp_path / "given.npz"))
    with refuses("'nothing'"):
        network_from(f"{place}:nothing", KEY)
    with refuses("FILE.py:NAME"):
        network_from("absent.py:name", KEY)
    with refuses("neither an .npz"):
        data_from("absent")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": (1, 2)}, "give (x, z, y)"),
        ({"data": (jnp.ones((3, 5)), jnp.ones((2, 3)), jnp.ones((4, 2)))}, "(3, 5)"),
        (
            {"data": (jnp.ones((3, 5)), jnp.ones((2, 3)), jnp.full((3, 2), jnp.nan))},
            "y",
        ),
        ({"data": (jnp.ones((3, 5)), jnp.ones((2, 3)), jnp.ones((3, 2)))}, "every"),
        ({"data": (jnp.ones((0, 5)), jnp.ones((2, 3)), jnp.ones((0, 2)))}, "empty"),
        (
            {"data": (few().x, few().z, jnp.arange(12.0).reshape(4, 3))},
            "gives 2 numbers",
        ),
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"steps": 0}, "steps=0"),
        ({"draws": 1}, "draws=1"),
        ({"net": 3}, "int"),
        ({"net": hl.mlp(depth=2, width=3, out=1)}, "Network"),
        ({"net": lambda x, z: z}, "primary"),
    ],
)
def test_wrong_input_is_one_sentence(change, words, refuses, unchecked_types):
    data = few()
    given = {"net": small(), "data": tuple(data)} | change
    with refuses(words):
        hl.diagnose(given.pop("net"), given.pop("data"), **given)
