"""How large everything is, layer by layer, and by what to multiply it."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hyperlimit.diagnosis._problem import Loss, Problem
from hyperlimit.empirical import Reading, read
from hyperlimit.empirical.tracing import Entry, Traced
from hyperlimit.errors import InputError

# The size of outputs at birth, in units of the targets': what begins near a constant
# learns sooner than what begins with a function to unlearn.
START = 0.1


class Layer(NamedTuple):
    """One weight array, the inputs it is multiplied with, and what comes out.

    Sizes are root mean squares over examples and entries.

    Attributes:
        network: "f" for what writes weights, "g" for what reads z.
        name: the path of the weight in its network.
        shape: of the weight.
        weight: of the weight, with the factors that it is used with.
        inputs: of the inputs.
        outputs: of the outputs with their bias, before the activation.
        target: the size of the outputs that is right.
        gradient: of the gradient of one example's loss in the outputs.
        varies: the share of a weight's second moment that differs between x; None in f.
        factor: what to multiply the weight, and the bias beside it, by, those of the
            layers before corrected first.
    """

    network: str
    name: str
    shape: tuple[int, ...]
    weight: float
    inputs: float
    outputs: float
    target: float
    gradient: float
    varies: float | None
    factor: float


class Scales(NamedTuple):
    """All layers in the order of their evaluation, and what comes of them.

    Attributes:
        layers: f's, its head left out, then g's.
        outputs, targets: the size of the network's outputs, and of y about its mean.
        loss: at present.
        x, z: the size of the inputs; 1 for what is no floating-point number.
        meta_factors, primary_factors: by what to multiply the arrays of f, and what it
            writes, by path; 1 is left out.
    """

    layers: tuple[Layer, ...]
    outputs: float
    targets: float
    loss: float
    x: float
    z: float
    meta_factors: dict[str, float]
    primary_factors: dict[str, float]


def scales(net: PyTree, trained: PyTree, data: Problem, loss: Loss) -> Scales:
    """Measures a network on data, and corrects layer after layer on paper.

    A layer whose outputs have size s in place of t is multiplied by t / s, and the next
    is measured with the layer corrected (Mishkin and Matas, *All You Need Is a Good
    Init*, ICLR 2016, for a network that writes another).

    Raises:
        InputError: for a network that has no method `primary`.
    """
    if not callable(getattr(net, "primary", None)):
        raise InputError(
            f"the {type(net).__name__} has no method primary: give a hypernetwork with "
            "net.primary(x)(z) what net(x, z) is, as hl.init and hl.hypernetize do."
        )
    reading = read_on(net, trained, data)
    if reading.upper is None:
        raise InputError(
            f"the {type(net).__name__}'s primary(x) gives a function whose weights "
            "cannot be seen: return an Equinox module that holds them."
        )
    parts = (reading.stage.traced, reading.upper.traced)
    factors = [jnp.ones(len(part.entries)) for part in parts]
    first = _measured(net, trained, data, loss, factors)
    generated = first["varies"] > 0
    targets = float(first["targets"])
    aims = {}
    for which, part in enumerate(parts):
        order = _layers(part)
        for index in order:
            entry = part.entries[index]
            last = which == 1 and index == order[-1]
            aims[which, index] = START * targets if last else 1.0
            if which == 1 and not bool(generated[index]):
                continue
            now = _measured(net, trained, data, loss, factors)
            size = float(now["outputs"][which][entry.junction])
            if size > 0:
                beside = jnp.asarray(
                    [e.used and e.junction == entry.junction for e in part.entries]
                )
                factors[which] = jnp.where(
                    beside, factors[which] * (aims[which, index] / size), factors[which]
                )
    names = (reading.names, reading.upper.names)
    rows = [
        _row(
            which, part, index, names[which], first, aims[which, index], factors[which]
        )
        for which, part in enumerate(parts)
        for index in _layers(part)
    ]
    wanted = [
        {
            name: float(factor)
            for name, factor in zip(names[which], factors[which], strict=True)
            if float(factor) != 1
        }
        for which in (0, 1)
    ]
    return Scales(
        tuple(rows),
        float(first["size"]),
        targets,
        float(first["loss"]),
        float(first["x"]),
        float(first["z"]),
        *wanted,
    )


def read_on(net: PyTree, trained: PyTree, data: Problem) -> Reading:
    x = jax.ShapeDtypeStruct(data.x.shape[1:], data.x.dtype)
    z = jax.ShapeDtypeStruct(data.z.shape[2:], data.z.dtype)
    return read(net, trained, x, z, structured=True)


def _layers(part: Traced) -> list[int]:
    """The weights whose outputs have a size of their own, in order."""
    found = [
        (entry.product.number, index)
        for index, entry in enumerate(part.entries)
        if entry.product is not None and entry.pulled
    ]
    return [index for _, index in sorted(found)]


def _size(array: Array) -> Float[Array, ""]:
    return jnp.sqrt(jnp.mean(array.astype(float) ** 2))


@eqx.filter_jit
def _measured(
    net: PyTree,
    trained: PyTree,
    data: Problem,
    loss: Loss,
    factors: list[Array],
) -> dict:
    """Sizes of everything, with the arrays of f and what it writes multiplied."""
    reading = read_on(net, trained, data)
    lower, upper = reading.stage, reading.upper
    assert upper is not None
    own = _times(lower.parameters, factors[0])
    b, p = data.z.shape[:2]

    def zeros(part: Traced, *lead: int) -> dict[int, Array]:
        return {
            number: jnp.zeros((*lead, *shape.shape), shape.dtype)
            for number, shape in part.perturbed.items()
        }

    def everything(low: dict[int, Array], high: dict[int, Array]):
        def of_x(x: Array, z: Array, low: dict[int, Array], high: dict[int, Array]):
            f = lower.traced.evaluate(low, own, [x])
            weights, others = _times(f.outputs, factors[1]), upper.others([x])
            g = jax.vmap(lambda z, e: upper.traced.evaluate(e, weights, [z, *others]))
            return f, weights, g(z, high)

        f, weights, g = jax.vmap(of_x)(data.x, data.z, low, high)
        outputs = g.outputs[0].reshape(b, p, -1)
        return loss(outputs, data.y), (f, weights, g, outputs)

    start = zeros(lower.traced, b), zeros(upper.traced, b, p)
    (value, seen), slopes = jax.value_and_grad(
        everything, argnums=(0, 1), has_aux=True
    )(*start)
    f, weights, g, outputs = seen
    spread = [
        jnp.sum(jnp.var(w, axis=0)) / jnp.sum(jnp.mean(w**2, axis=0)) for w in weights
    ]
    y = data.y.astype(outputs.dtype)
    return {
        "inputs": [_sizes(f.operands), _sizes(g.operands)],
        "outputs": [_sizes(f.junctions), _sizes(g.junctions)],
        "gradients": [
            {number: b * size for number, size in _sizes(slopes[0]).items()},
            {number: b * p * size for number, size in _sizes(slopes[1]).items()},
        ],
        "weights": [
            [_size(array) for array in own],
            [_size(array) for array in weights],
        ],
        "varies": jnp.stack(spread),
        "loss": value,
        "size": _size(outputs),
        "targets": jnp.std(y),
        "x": _inputs(data.x),
        "z": _inputs(data.z),
    }


def _inputs(array: Array) -> Float[Array, ""]:
    """The size of inputs, of which numbers of tasks have none."""
    if not jnp.issubdtype(array.dtype, jnp.floating):
        return jnp.ones(())
    return _size(array)


def _times(arrays: list[Array], factors: Float[Array, " a"]) -> list[Array]:
    return [
        array * factor.astype(array.dtype)
        for array, factor in zip(arrays, factors, strict=True)
    ]


def _sizes(arrays: dict[int, Array]) -> dict[int, Array]:
    return {number: _size(array) for number, array in arrays.items()}


def _row(
    which: int,
    part: Traced,
    index: int,
    names: tuple[str, ...],
    found: dict,
    target: float,
    factors: Float[Array, " a"],
) -> Layer:
    entry: Entry = part.entries[index]
    assert entry.product is not None
    return Layer(
        network="fg"[which],
        name=names[index],
        shape=part.parameter_shape(index),
        weight=float(found["weights"][which][index]) * abs(entry.product.scale),
        inputs=float(found["inputs"][which][index]),
        outputs=float(found["outputs"][which][entry.junction]),
        target=target,
        gradient=float(found["gradients"][which][entry.junction]),
        varies=float(found["varies"][index]) if which else None,
        factor=float(factors[index]),
    )
