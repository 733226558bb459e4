"""What cannot be made into a hypernetwork is said in one sentence."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

import hyperlimit as hl

KEY = jax.random.key(0)
MLP = eqx.nn.MLP(2, 3, 8, 2, key=KEY)
TASKS = hl.TaskEmbedding(tasks=5, size=3)


class Odd(eqx.Module):
    weight: jax.Array
    count: jax.Array
    phase: jax.Array

    def __init__(self):
        self.weight = jnp.ones((2, 2))
        self.count = jnp.arange(3)
        self.phase = jnp.ones(2, jnp.complex64)

    def __call__(self, z):
        return self.weight @ z


def made(module=MLP, where=eqx.nn.Linear, **settings):
    defaults = {"meta": hl.mlp(depth=2, width=16), "key": KEY, "x": 4}
    return hl.hypernetize(module, where=where, **(defaults | settings))


def with_state():
    norm = eqx.nn.BatchNorm(3, axis_name="batch", mode="batch")
    return eqx.nn.Sequential([eqx.nn.Linear(2, 3, key=KEY), norm])


CASES = {
    "a type of which there is none": (
        lambda: made(where=eqx.nn.Conv2d),
        ("Conv2d", "picks no array", "layers[0].weight"),
    ),
    "a path of nothing": (lambda: made(where="layer"), ("'layer'", "picks no array")),
    "one of two paths": (
        lambda: made(where=["layers[0]", "layers[7]"]),
        ("'layers[7]'",),
    ),
    "a function of nothing": (lambda: made(where=lambda m: ()), ("picks no array",)),
    "a function of None": (
        lambda: made(
            eqx.nn.Linear(2, 2, use_bias=False, key=KEY), where=lambda m: m.bias
        ),
        ("picks no array", "weight"),
    ),
    "a function that fails": (
        lambda: made(where=lambda m: m.layer),
        ("cannot be called", "lambda m"),
    ),
    "a where of another kind": (lambda: made(where=3), ("where=3",)),
    "integers": (lambda: made(Odd(), "count"), ("count", "int", "floating-point")),
    "integers by function": (lambda: made(Odd(), lambda m: m.count), ("count", "int")),
    "complex numbers": (lambda: made(Odd(), "phase"), ("phase", "complex64")),
    "a function as a leaf": (lambda: made(where="activation"), ("activation",)),
    "state": (lambda: made(with_state()), ("BatchNorm", "LayerNorm")),
    "a network of the library": (
        lambda: made(hl.init(hl.mlp(depth=2, width=3, out=1), key=KEY, x=2), ""),
        ("hl.Hypernetwork",),
    ),
    "a function as a module": (lambda: made(jnp.sin), ("Equinox module",)),
    "no key": (lambda: made(key=None), ("key=None", "jax.random.key(0)")),
    "a number as key": (lambda: made(key=3), ("key=3",)),
    "an unknown head": (lambda: made(head="half"), ("'half'", "full", "low_rank")),
    "an unknown initialisation": (
        lambda: made(initialisation="he"),
        ("'he'", "hyperfan_in", "mip"),
    ),
    "no size": (lambda: made(x=None), ("size of x",)),
    "an empty size": (lambda: made(x=0), ("x=0",)),
    "sizes that disagree": (
        lambda: made(meta=hl.mlp(depth=2, width=3, in_size=5)),
        ("in_size=5", "4"),
    ),
    "a head with a width": (
        lambda: made(meta=hl.mlp(depth=2, width=3, out=5)),
        ("out=",),
    ),
    "a meta-network of another kind": (lambda: made(meta=jnp.tanh), ("meta", "mlp")),
    "an image for an mlp": (lambda: made(x=jnp.ones((3, 3))), ("(3, 3)", "vectors")),
    "features that are no vector": (
        lambda: made(meta=eqx.nn.Identity(), x=jnp.ones((3, 3))),
        ("[3, 3]", "vector"),
    ),
    "features that vanish": (
        lambda: made(meta=eqx.nn.Lambda(jnp.zeros_like)),
        ("0.0", "positive"),
    ),
    "an image for mip": (
        lambda: made(meta=eqx.nn.Identity(), x=jnp.ones((3, 3)), initialisation="mip"),
        ("mip", "(3, 3)"),
    ),
    "x beside tasks": (lambda: made(embedding=TASKS), ("task", "x")),
    "other examples": (lambda: made(examples=jnp.ones((5, 3))), ("(4,)", "(3,)")),
    "a gain of nothing": (lambda: made(gain={"layer": 2.0}), ("'layer'",)),
    "a negative gain": (lambda: made(gain=-1.0), ("-1.0",)),
    "x of another size": (lambda: made()(jnp.ones(5), jnp.ones(2)), ("(5,)", "(4,)")),
    "many x": (lambda: made()(jnp.ones((7, 4)), jnp.ones(2)), ("(7, 4)", "vmap")),
    "a batch of one": (
        lambda: made().batch(jnp.ones(4), jnp.ones((3, 2))),
        ("batch", "(4,)"),
    ),
    "batches of other lengths": (
        lambda: made().batch(jnp.ones((3, 4)), jnp.ones((2, 3, 2))),
        ("(3, 4)", "(2, 3, 2)", "z_axes=1"),
    ),
    "a chunk of nothing": (
        lambda: made().batch(jnp.ones((3, 4)), jnp.ones((3, 2)), chunk=0),
        ("chunk=0",),
    ),
    "no such task": (
        lambda: made(embedding=TASKS, x=None)(5, jnp.ones(2)),
        ("task 5", "4"),
    ),
    "a negative task": (
        lambda: made(embedding=TASKS, x=None)(-1, jnp.ones(2)),
        ("task -1",),
    ),
    "a task and a half": (
        lambda: made(embedding=TASKS, x=None)(1.5, jnp.ones(2)),
        ("integer",),
    ),
    "many tasks": (
        lambda: made(embedding=TASKS, x=None)(jnp.arange(3), jnp.ones(2)),
        ("[3]", "batch"),
    ),
    "no such task in an array": (
        lambda: made(embedding=TASKS, x=None)(jnp.array(9), jnp.ones(2)),
        ("task 9",),
    ),
    "no such task in a batch": (
        lambda: made(embedding=TASKS, x=None).batch(
            jnp.array([0, 7]), jnp.ones((3, 2))
        ),
        ("task 7", "4"),
    ),
    "nothing at all": (lambda: made(where=[]), ("where is an empty list",)),
    "a number of tasks as embedding": (
        lambda: made(embedding=4, x=None),
        ("embedding=4", "hl.TaskEmbedding"),
    ),
    "half a task": (lambda: hl.TaskEmbedding(tasks=4.5), ("tasks=4.5", "whole")),
    "half a chunk": (
        lambda: made().batch(jnp.ones((3, 4)), jnp.ones((3, 2)), chunk=2.5),
        ("chunk=2.5", "whole"),
    ),
    "no tasks": (lambda: hl.TaskEmbedding(tasks=0), ("tasks=0",)),
    "no chunks": (lambda: hl.heads.Chunked(size=0), ("size=0",)),
    "no rank": (lambda: hl.heads.LowRank(rank=0), ("rank=0",)),
}


@pytest.mark.parametrize(("call", "words"), CASES.values(), ids=list(CASES))
@pytest.mark.usefixtures("unchecked_types")
def test_one_sentence_says_what_and_how_to_mend_it(call, words, refuses):
    with refuses(*words):
        call()
