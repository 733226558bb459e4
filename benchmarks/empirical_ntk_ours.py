"""Our side of empirical_ntk.py, run by it: one JSON line in, one out."""

import json
import resource
import sys
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


def main() -> None:
    settings = json.loads(sys.stdin.readline())
    jax.config.update("jax_enable_x64", settings["precision"] == "float64")
    import hyperlimit as hl
    from empirical_ntk import SPECS

    case, dtype = settings["case"], settings["precision"]
    with np.load(settings["path"]) as file:
        arrays = {name: jnp.asarray(file[name].astype(dtype)) for name in file}
    if case == "mlp":
        shape = jax.eval_shape(lambda k: hl.init(SPECS[case], key=k, x=784), _key())
        where, inputs = (lambda net: net.values), arrays["x"]
    else:
        shape = jax.eval_shape(
            lambda k: hl.init(SPECS[case], key=k, x=784, z=2), _key()
        )
        where, inputs = (lambda net: net.meta.values), (arrays["x"], arrays["z"])
    values, index = [], 0
    for layer in where(shape):
        values.append({name: arrays[f"{name}{index}"] for name in layer})
        index += bool(layer)
    net = eqx.tree_at(where, shape, tuple(values))
    print(json.dumps({"ready": True}), flush=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for line in sys.stdin:
        command = json.loads(line)
        start = time.perf_counter()
        found = hl.empirical_ntk(net, inputs).block_until_ready()
        seconds = time.perf_counter() - start
        memory = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        if "values" in command:
            np.save(command["values"], np.asarray(found))
        print(json.dumps({"seconds": seconds, "memory": memory}), flush=True)


def _key() -> jax.Array:
    return jax.random.key(0)


main()
