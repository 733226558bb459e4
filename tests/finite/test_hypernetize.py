"""Hypernetworks around Equinox modules: the calls a user makes."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hyperlimit as hl
from hyperlimit.parametrisation import INITIALISATIONS

# The doctests call it in single precision.
pytestmark = pytest.mark.float64_only(reason="of structure, not of digits")

KEY = jax.random.key(0)
MLP = eqx.nn.MLP(2, 3, 8, 2, key=jax.random.key(9))


class Classifier(eqx.Module):
    """A convolutional network with every normalisation that has no state."""

    first: eqx.nn.Conv2d
    group: eqx.nn.GroupNorm
    layer: eqx.nn.LayerNorm
    root: eqx.nn.RMSNorm
    last: eqx.nn.Linear
    activation: Callable

    def __init__(self, key):
        one, two = jax.random.split(key)
        self.first = eqx.nn.Conv2d(1, 4, 3, key=one)
        self.group = eqx.nn.GroupNorm(2, 4)
        self.layer = eqx.nn.LayerNorm((4, 6, 6))
        self.root = eqx.nn.RMSNorm(144)
        self.last = eqx.nn.Linear(144, 5, key=two)
        self.activation = jax.nn.relu

    def __call__(self, z, *, scale=None):
        z = self.activation(self.layer(self.group(self.first(z))))
        outputs = self.last(self.root(z.reshape(-1)))
        return outputs if scale is None else scale * outputs


def made(module=MLP, where=eqx.nn.Linear, **settings):
    defaults = {"meta": hl.mlp(depth=2, width=16), "key": KEY, "x": 4}
    if "embedding" in settings or "examples" in settings:
        del defaults["x"]
    return hl.hypernetize(module, where=where, **(defaults | settings))


def inputs(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


LAYERS = [f"layers[{i}].{name}" for i in range(3) for name in ("weight", "bias")]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (eqx.nn.Linear, LAYERS),
        ("", LAYERS),
        ("layers", LAYERS),
        ("layers[0].weight", LAYERS[:1]),
        ("layers[1]", LAYERS[2:4]),
        (["layers[2]", "layers[0].bias"], [LAYERS[1], *LAYERS[4:]]),
        (lambda m: m.layers[-1], LAYERS[4:]),
        (lambda m: m.layers, LAYERS),
        (lambda m: (m.layers[0].weight, m.layers[2]), [LAYERS[0], *LAYERS[4:]]),
        (lambda m: [m.layers[1].bias], LAYERS[3:4]),
    ],
)
def test_where_picks_by_type_by_path_and_by_function(where, names):
    net, x = made(where=where), inputs(1, 4)
    weights = net.weights(x)
    assert list(weights) == names
    primary = net.primary(x)
    assert type(primary) is eqx.nn.MLP
    for index, layer in enumerate(primary.layers):
        for name in ("weight", "bias"):
            path = f"layers[{index}].{name}"
            own = getattr(MLP.layers[index], name)
            np.testing.assert_array_equal(
                getattr(layer, name), weights.get(path, own), err_msg=path
            )


def test_a_longer_number_is_not_a_longer_path():
    module = eqx.nn.MLP(2, 1, 3, 11, key=KEY)
    assert list(made(module, "layers[1]").weights(inputs(1, 4))) == LAYERS[2:4]


@pytest.mark.parametrize("head", list(hl.heads.HEADS))
def test_calling_is_generating_then_calling_the_primary(head):
    net = made(Classifier(KEY), "", head=head)
    x, z = inputs(1, 4), inputs(2, 1, 8, 8)
    primary = net.primary(x)
    assert type(primary) is Classifier
    # Compiled and op by op, sums are taken in another order.
    np.testing.assert_allclose(net(x, z), primary(z), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        net(x, z, scale=2.0), 2 * primary(z), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("head", list(hl.heads.HEADS))
def test_normalisation_works_with_weights_per_example(head):
    net = made(Classifier(KEY), ["group", "layer", "root"], head=head)
    x, z = inputs(1, 3, 4), inputs(2, 3, 1, 8, 8)
    together = jax.vmap(net)(x, z)
    for index in range(3):
        np.testing.assert_allclose(
            together[index], net(x[index], z[index]), rtol=1e-4, atol=1e-5
        )
    assert float(jnp.abs(net(x[0], z[0]) - net(x[1], z[0])).max()) > 1e-3


@pytest.mark.parametrize("chunk", [None, 1, 2, 5, 7])
@pytest.mark.parametrize("shared", [True, False])
def test_a_batch_is_every_pair(chunk, shared):
    net, x = made(), inputs(1, 5, 4)
    z = inputs(2, 7, 2) if shared else inputs(2, 5, 7, 2)
    many = jnp.broadcast_to(z, (5, 7, 2))
    expected = jax.vmap(lambda a, b: jax.vmap(lambda c: net(a, c))(b))(x, many)
    np.testing.assert_allclose(net.batch(x, z, chunk), expected, rtol=1e-5, atol=1e-6)


def test_a_batch_of_images_says_how_many_axes_one_has():
    net = made(Classifier(KEY), "last", embedding=hl.TaskEmbedding(tasks=3))
    tasks, z = jnp.arange(3), inputs(2, 6, 1, 8, 8)
    found = net.batch(tasks, z, chunk=2, z_axes=3)
    assert found.shape == (3, 6, 5)
    np.testing.assert_allclose(found[2, 4], net(2, z[4]), rtol=1e-4, atol=1e-5)


def test_a_batch_generates_each_primary_once():
    net = made()
    total = sum(parameter.size for parameter in net.parameters)

    def shapes(points):
        jaxpr = jax.make_jaxpr(net.batch)(inputs(1, 3, 4), inputs(2, points, 2))
        (batch,) = jaxpr.eqns
        inside = batch.params["jaxpr"].eqns
        found = [v.aval.shape for e in inside for v in e.outvars]
        return [shape for shape in found if total in shape and 16 not in shape]

    assert shapes(50)
    assert shapes(50) == shapes(1)
    assert set(shapes(50)) <= {(3, total), (total, 3)}


def test_a_task_is_an_integer_of_any_kind():
    net, z = made(embedding=hl.TaskEmbedding(tasks=5, size=3)), inputs(2, 2)
    expected = net(3, z)
    for task in (np.int64(3), jnp.asarray(3), jnp.asarray(3, jnp.uint8)):
        np.testing.assert_array_equal(net(task, z), expected)
    many = jax.vmap(net, in_axes=(0, None))(jnp.array([3, 5, -1]), z)
    np.testing.assert_allclose(many[0], expected, rtol=1e-5)
    # What does not exist is not read as a task that does.
    assert bool(jnp.isnan(many[1:]).all())


def test_the_meta_network_is_a_description_or_a_module():
    module = eqx.nn.Sequential(
        [eqx.nn.Conv2d(1, 4, 3, key=KEY), eqx.nn.Lambda(jnp.ravel)]
    )
    net = made(meta=module, x=jnp.ones((1, 5, 5)))
    assert net(inputs(1, 1, 5, 5), inputs(2, 2)).shape == (3,)
    assert net.head.kernel.shape[1] == 36
    plain = made(meta=hl.mlp(depth=1, width=1, in_size=6), x=None)
    np.testing.assert_array_equal(plain.features(inputs(1, 6)), inputs(1, 6))
    waves = hl.mlp(depth=1, width=1, inputs=hl.FourierFeatures(bandwidth=1.0, count=5))
    assert made(meta=waves).head.kernel.shape[1] == 10
    encoded = made(meta=hl.mlp(depth=1, width=1), initialisation="mip")
    length = jnp.linalg.norm(encoded.features(inputs(1, 4)))
    assert float(length) == pytest.approx(2)


def test_types_of_leaves_are_kept():
    half = jax.tree.map(
        lambda leaf: leaf.astype(jnp.bfloat16) if eqx.is_array(leaf) else leaf, MLP
    )
    for head in hl.heads.HEADS:
        weights = made(half, "layers[1]", head=head).weights(inputs(1, 4))
        assert {array.dtype for array in weights.values()} == {jnp.dtype(jnp.bfloat16)}


def test_low_rank_matrices_have_their_rank_and_narrow_ones_are_whole():
    module = eqx.nn.MLP(2, 1, 20, 2, key=KEY)
    net = made(module, head=hl.heads.LowRank(rank=3), initialisation="standard")
    matrix = net.weights(inputs(1, 4))["layers[1].weight"]
    values = np.linalg.svd(np.asarray(matrix), compute_uv=False)
    assert (values[:3] > 1e-3).all()
    assert (values[3:] < 1e-5).all()
    assert [len(maps) for maps in net.head.maps.values()] == [1, 1, 2, 1, 1, 1]


def test_chunks_share_a_head_and_differ():
    net = made(
        head=hl.heads.Chunked(size=10, embedding=4, hidden=32), where="layers[1]"
    )
    assert net.head.embeddings.shape == (8, 4)
    assert net.head.outputs.kernel.shape == (10, 32)
    weights = net.weights(inputs(1, 4))["layers[1].weight"].reshape(-1)
    rows = np.asarray(weights[:60]).reshape(6, 10)
    assert np.abs(np.corrcoef(rows) - np.eye(6)).max() < 0.9


# Every row with one head and every head with one row; all pairs are for `long`.
PAIRS = [
    pytest.param(
        head,
        row,
        marks=() if head == "full" or row == "hyperfan_in" else pytest.mark.long,
    )
    for head in hl.heads.HEADS
    for row in INITIALISATIONS
]


@pytest.mark.parametrize(("head", "row"), PAIRS)
def test_transformations_and_training(head, row):
    net, x, z = made(head=head, initialisation=row), inputs(1, 6, 4), inputs(2, 6, 2)
    target = jnp.sin(z[:, :1] + x[:, :3])
    values, rest = eqx.partition(net, eqx.is_inexact_array)

    @jax.jit
    def loss(values):
        return jnp.mean((jax.vmap(eqx.combine(values, rest))(x, z) - target) ** 2)

    first = float(loss(values))
    optimiser = optax.adam(1e-2)

    @jax.jit
    def step(values, state):
        updates, state = optimiser.update(jax.grad(loss)(values), state)
        return optax.apply_updates(values, updates), state

    state = optimiser.init(values)
    # Optax divides by powers of integers, which strict promotion refuses.
    with jax.numpy_dtype_promotion("standard"):
        for _ in range(60):
            values, state = step(values, state)
    assert float(loss(values)) < 0.6 * first


def test_what_is_not_generated_is_shared_and_trained():
    net = made(where="layers[1]")
    gradient = eqx.filter_grad(lambda n: jnp.sum(n(inputs(1, 4), inputs(2, 2)) ** 2))(
        net
    )
    assert float(jnp.abs(gradient.own.layers[0].weight).max()) > 0
    assert net.own.layers[1].weight is None
    arrays = jax.tree.leaves(eqx.filter(net.own, eqx.is_array))
    assert len(arrays) == 4


def test_networks_are_drawn_in_a_vmap():
    draw = jax.jit(jax.vmap(lambda key: made(key=key).weights(inputs(1, 4))))
    found = draw(jax.random.split(KEY, 3))["layers[0].weight"]
    np.testing.assert_allclose(
        found[1],
        made(key=jax.random.split(KEY, 3)[1]).weights(inputs(1, 4))["layers[0].weight"],
        rtol=1e-4,
        atol=1e-6,
    )
    assert found.shape == (3, 8, 2)


def test_inference_mode_reaches_the_primary():
    module = eqx.nn.Sequential([eqx.nn.Linear(2, 9, key=KEY), eqx.nn.Dropout(0.5)])
    net = made(module)
    outputs = eqx.nn.inference_mode(net)(inputs(1, 4), inputs(2, 2))
    assert bool((outputs != 0).all())
    dropped = net(inputs(1, 4), inputs(2, 2), key=KEY)
    assert bool((dropped == 0).any())
