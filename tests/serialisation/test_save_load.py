"""Files of arrays: what was saved comes back, or one sentence says why not."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

import hyperlimit as hl

KEY, OTHER = jax.random.split(jax.random.key(0))
DESCRIPTION = hl.Hypernetwork(
    meta=hl.mlp(depth=2, width=8),
    primary=hl.mlp(
        depth=2, width=4, out=1, inputs=hl.FourierFeatures(bandwidth=1.0, count=3)
    ),
)


def around_a_module(key, **settings):
    module = eqx.nn.MLP(2, 1, 8, 1, key=key)
    settings = {"where": "layers[0]", "x": 3} | settings
    return hl.hypernetize(module, meta=hl.mlp(depth=2, width=8), key=key, **settings)


MAKERS = {
    "finite hypernetwork": lambda key: hl.init(DESCRIPTION, key=key, x=3, z=2),
    "finite network": lambda key: hl.init(
        hl.mlp(depth=2, width=4, out=1), key=key, x=3
    ),
    "tasks": lambda key: around_a_module(
        key, x=None, embedding=hl.TaskEmbedding(tasks=4)
    ),
    **{
        head: lambda key, head=head: around_a_module(key, head=head)
        for head in hl.heads.HEADS
    },
}


def same(one, two):
    def as_numpy(leaf):
        keys = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return np.asarray(jax.random.key_data(leaf) if keys else leaf)

    leaves = [jax.tree.leaves(eqx.filter(tree, eqx.is_array)) for tree in (one, two)]
    return all(
        np.array_equal(as_numpy(a), as_numpy(b)) for a, b in zip(*leaves, strict=True)
    )


@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
def test_every_module_comes_back(make, tmp_path):
    net, like, path = make(KEY), make(OTHER), tmp_path / "net.safetensors"
    hl.save(path, net)
    assert not same(net, like)
    back = hl.load(path, like)
    assert same(net, back)
    assert jax.tree.structure(back) == jax.tree.structure(like)
    # Only the file is left, and its shapes alone are enough to read it.
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.safetensors"]
    assert same(net, hl.load(path, eqx.filter_eval_shape(make, OTHER)))


@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
def test_every_module_comes_back_from_equinox(make, tmp_path):
    net = make(KEY)
    eqx.tree_serialise_leaves(tmp_path / "net.eqx", net)
    assert same(net, eqx.tree_deserialise_leaves(tmp_path / "net.eqx", make(OTHER)))


def test_settings_are_left_alone_if_told_so(tmp_path):
    path, like = activated(tmp_path / "net", jnp.tanh)
    back = hl.load(path, like, check_settings=False)
    assert same(back, eqx.nn.MLP(2, 1, 3, 1, key=KEY))
    assert back.activation is like.activation


def test_names_are_paths(tmp_path):
    hl.save(tmp_path / "a", eqx.nn.MLP(2, 1, 3, 1, key=KEY))
    assert sorted(safetensors.numpy.load_file(tmp_path / "a")) == [
        "layers[0].bias",
        "layers[0].weight",
        "layers[1].bias",
        "layers[1].weight",
    ]


def test_every_type_shape_and_layout_comes_back(tmp_path):
    tree = {
        "half": jnp.arange(3, dtype=jnp.bfloat16),
        "scalar": jnp.asarray(2.5),
        "empty": jnp.zeros((0, 3)),
        "flag": jnp.array([True, False]),
        "complex": jnp.array([1 + 2j], jnp.complex64),
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "function": jnp.sin,
    }
    hl.save(tmp_path / "a", tree)
    back = hl.load(tmp_path / "a", tree)
    assert back["function"] is jnp.sin
    for name in set(tree) - {"function"}:
        assert back[name].dtype == tree[name].dtype
        np.testing.assert_array_equal(back[name], tree[name])


def test_a_file_is_replaced_whole_or_stays(tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    one, two = (eqx.nn.Linear(2, 2, key=key) for key in (KEY, OTHER))
    hl.save(path, one)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(hl.InputError, match="No space left"):
            hl.save(path, two)
    assert same(hl.load(path, two), one)
    assert len(list(tmp_path.iterdir())) == 1
    hl.save(path, two)
    assert same(hl.load(path, one), two)


def stored(path):
    hl.save(path, eqx.nn.Linear(4, 4, key=KEY))
    return path


def cut(path):
    stored(path).write_bytes(path.read_bytes()[:-8])
    return path


def text(path):
    path.write_text("weights")
    return path


def activated(path, activation):
    hl.save(path, eqx.nn.MLP(2, 1, 3, 1, key=KEY))
    return path, eqx.nn.MLP(2, 1, 3, 1, activation=activation, key=OTHER)


def multiplied(path):
    hl.save(path, around_a_module(KEY, initialisation="ntk"))
    return path, around_a_module(OTHER, initialisation="ntk", gain=3)


def parametrised(path):
    hl.save(path, hl.init(DESCRIPTION, key=KEY, x=3, z=2))
    return path, hl.init(DESCRIPTION, key=KEY, x=3, z=2, parametrisation="standard")


LIKE = eqx.nn.Linear(4, 4, key=OTHER)
CASES = {
    "no file": (lambda p: hl.load(p, LIKE), ("No such file",)),
    "cut short": (lambda p: hl.load(cut(p), LIKE), ("cut short",)),
    "no such kind": (lambda p: hl.load(text(p), LIKE), ("no safetensors file",)),
    "a folder": (lambda p: hl.load(p.parent, LIKE), ("cannot be read",)),
    "missing": (
        lambda p: hl.load(stored(p), eqx.nn.MLP(2, 2, 2, 1, key=KEY)),
        ("lacks 4", "layers[0].bias"),
    ),
    "left over": (
        lambda p: hl.load(stored(p), eqx.nn.Linear(4, 4, use_bias=False, key=KEY)),
        ("has not", "bias"),
    ),
    "another shape": (
        lambda p: hl.load(stored(p), eqx.nn.Linear(3, 4, key=KEY)),
        ("weight", "[4, 4]", "[4, 3]"),
    ),
    "another type": (
        lambda p: hl.load(
            stored(p), jax.tree.map(lambda a: a.astype(jnp.float16), LIKE)
        ),
        ("float16", "precision"),
    ),
    "no folder": (
        lambda p: hl.save(p / "a" / "b", LIKE),
        ("cannot be written", "No such file"),
    ),
    "a file for a folder": (
        lambda p: hl.save(stored(p) / "b", LIKE),
        ("cannot be written", "Not a directory"),
    ),
    "no arrays": (lambda p: hl.save(p, jnp.sin), ("no array",)),
    "a key alone": (
        lambda p: hl.save(p, hl.init(DESCRIPTION, key=KEY)),
        ("no array", "an example of x"),
    ),
    "a module for a path": (lambda p: hl.save(LIKE, p), ("Linear", "path first")),
    "a path for a module": (lambda p: hl.load(LIKE, p), ("Linear", "path first")),
    "another activation": (
        lambda p: hl.load(*activated(p, jnp.tanh)),
        ("activation was relu", "has tanh", "check_settings=False"),
    ),
    "another multiplier": (
        lambda p: hl.load(*multiplied(p)),
        ("parameters was", "gain=2.0", "gain=3.0", "check_settings=False"),
    ),
    "another parametrisation": (
        lambda p: hl.load(*parametrised(p)),
        ("parametrisation was 'ntk'", "'standard'"),
    ),
    "no values": (
        lambda p: hl.save(p, eqx.filter_eval_shape(lambda: LIKE)),
        ("no values",),
    ),
}


@pytest.mark.parametrize(("call", "words"), CASES.values(), ids=list(CASES))
def test_one_sentence_says_what_is_wrong(
    call, words, tmp_path, refuses, unchecked_types
):
    with refuses(*words):
        call(tmp_path / "net.safetensors")


@pytest.mark.float64_only(reason="another precision is set to be told apart")
def test_a_file_of_another_precision(tmp_path, refuses):
    path = stored(tmp_path / "a")
    single = jax.tree.map(lambda a: a.astype(jnp.float32), LIKE)
    with refuses("float64", "float32", "precision"):
        hl.load(path, single)
