"""Slopes that are known, and a network in which they are computed by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hyperlimit as hl

KEYS = jax.random.split(jax.random.key(0), 3)
X = jax.random.normal(KEYS[0], (8, 6))
Z = jax.random.normal(KEYS[1], (6, 3))
# So large that outputs at birth matter little.
Y = 10 + jnp.sin(X[:, :1] * Z[None, :, 0])
SPEC = hl.Hypernetwork(
    meta=hl.mlp(depth=3, width=1), primary=hl.mlp(depth=3, width=1, out=1)
)


def check(name, rule, rate, **options):
    options = {
        "meta_widths": (32, 64, 128),
        "primary_widths": (32, 64),
        "seeds": 24,
    } | options
    return hl.coordinate_check(
        SPEC,
        (X, Z, Y),
        parametrisation=name,
        rule=rule,
        learning_rate=rate,
        key=KEYS[2],
        **options,
    )


def test_mup_stays_and_others_drift():
    found, drifting = check("mup", "adam", 5e-4), check("standard", "adam", 5e-5)
    assert abs(found.largest) < 0.25
    assert found.within(0.25)
    assert not found.within(abs(found.largest) - 0.01)
    assert abs(drifting.largest) > 0.8
    assert not drifting.within(0.25)


@pytest.mark.long
def test_mup_for_sgd():
    """f moves as much at any m up to n; beyond, what comes back to it is smaller."""
    options = {"primary_widths": (64, 128, 256), "base": (64, 64)}
    # At these widths the slope in n of g's first layer is still 0.09 +- 0.04.
    found = check(
        "mup", "sgd", 3e-6, meta_widths=(64, 256), fixed=(256, 64), seeds=256, **options
    )
    assert found.within(0.15)
    _, primary = check(
        "mup", "sgd", 3e-6, meta_widths=(32, 64), fixed=(64, 64), seeds=128, **options
    ).parts
    for what, found in primary.slopes.items():
        expected = -0.5 if what.startswith("f, ") else 0
        assert found.slope == pytest.approx(expected, abs=0.15), what


def test_the_kernel_regime():
    """In NTK parametrisation f's features stay as f widens, and g's do not."""
    widths = {"meta_widths": (128, 512), "primary_widths": (16, 32)}
    found = check("ntk", "sgd", 0.005, seeds=64, **widths)
    meta, primary = found.parts
    expected = hl.classify(SPEC, "ntk", widen="meta")
    assert expected.limit == "meta-wide"
    for layer in ("f, layer 1", "f, layer 2"):
        assert meta.slopes[layer].slope == pytest.approx(-expected.meta_r, abs=0.15)
    # What f's features turn, as n^-1/2, hides it in the first layers of g longer.
    assert meta.slopes["g, layer 3"].slope == pytest.approx(0, abs=0.2)
    assert primary.varied == "primary"
    table = str(found)
    assert "n = 128, 512, the other is 16" in table
    assert "weight 2 of g" in table


def test_by_hand():
    """One step of a linear f and a g of two layers, in numpy."""
    spec = hl.Hypernetwork(
        meta=hl.mlp(depth=2, width=1, activation="identity"),
        primary=hl.mlp(depth=2, width=1, activation="identity", out=1),
    )
    found = hl.coordinate_check(
        spec,
        (X[:1], Z[:1], Y[:1, :1]),
        parametrisation="standard",
        rule="sgd",
        learning_rate=0.01,
        meta_widths=(4, 6),
        primary_widths=(5, 7),
        steps=1,
        seeds=2,
        key=KEYS[2],
    )
    for part, name in zip(found.parts, ("meta", "primary"), strict=True):
        assert part.varied == name
    # Its seeds are split from the key as documented by no one: draw the same.
    key = jax.random.fold_in(jax.random.fold_in(KEYS[2], 0), 0)
    sized = hl.Hypernetwork(
        meta=hl.mlp(depth=2, width=4, activation="identity"),
        primary=hl.mlp(depth=2, width=5, activation="identity", out=1),
    )
    for seed, drawn in enumerate(jax.random.split(key, 2)):
        net = hl.init(sized, key=drawn, x=6, z=3, parametrisation="standard")
        first, head = (np.asarray(net.meta.values[level]["weight"]) for level in (0, 2))
        x, z, y = (np.asarray(each) for each in (X[0], Z[0], Y[0, 0]))
        gains = [layer.gain for layer in sized.meta.layers[1:2]]
        assert gains == [1.0]
        phi = first @ x
        v = head @ phi
        v1, v2 = v[:15].reshape(5, 3), v[15:].reshape(1, 5)
        error = 2 * (v2 @ v1 @ z - y)[0]
        d = np.concatenate([np.outer(v2[0], z).ravel() * error, (v1 @ z) * error])
        new_first = first - 0.01 * np.outer(head.T @ d, x)
        new_head = head - 0.01 * np.outer(d, phi)
        new_phi = new_first @ x
        new_v = new_head @ new_phi
        dv1 = (new_v - v)[:15].reshape(5, 3)
        new1, new2 = new_v[:15].reshape(5, 3), new_v[15:].reshape(1, 5)
        expected = {
            "f, layer 1": np.sqrt(np.mean((new_phi - phi) ** 2)),
            "weight 1 of g": np.linalg.norm(dv1, 2) * np.sqrt(3 / 5),
            "g, layer 1": np.sqrt(np.mean((dv1 @ z) ** 2)),
            "g, layer 2": abs(new2 @ new1 @ z - v2 @ v1 @ z)[0],
        }
        for what, value in expected.items():
            measured = found.parts[0].changes[what][0, seed]
            np.testing.assert_allclose(measured, value, rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"meta_widths": (8, 8)}, "two or more different ones"),
        ({"steps": 0}, "at least 1 step"),
    ],
)
def test_mistakes(options, words):
    with pytest.raises(hl.InputError, match=words):
        check("mup", "adam", 1e-3, **options)
    with pytest.raises(hl.InputError, match="'standard' or 'ntk'"):
        check("mean_field", "adam", 1e-3)
    with pytest.raises(hl.InputError, match="rows of x and z"):
        hl.coordinate_check(SPEC, (X, Z, Y[:3]), key=KEYS[2])
    with pytest.raises(hl.InputError, match="of a hypernetwork"):
        hl.coordinate_check(SPEC, (X, Y), key=KEYS[2])
    with pytest.raises(hl.InputError, match="at least one row"):
        hl.coordinate_check(SPEC, (X[:0], Z, Y[:0]), key=KEYS[2])
    with pytest.raises(hl.InputError, match="hold nan"):
        hl.coordinate_check(SPEC, (X, Z, Y.at[1, 1].set(jnp.nan)), key=KEYS[2])


def test_a_rate_at_which_numbers_overflow_is_told():
    with pytest.raises(hl.InputError, match="widths 32 of f and 32 of g is not finite"):
        check("standard", "sgd", 1e30, seeds=2)
