"""neural-tangents' side of empirical_ntk.py, in an environment of its own.

The networks are written out here: it imports nothing of hyperlimit.
"""

import json
import os
import resource
import sys
import time

os.environ.setdefault("JAX_PLATFORMS", "cpu")


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    settings = json.loads(sys.stdin.readline())
    limit = settings["address_space"] or resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    import jax

    jax.config.update("jax_enable_x64", settings["precision"] == "float64")
    import jax.numpy as jnp
    import neural_tangents as nt  # ty: ignore
    import numpy as np

    with np.load(settings["path"]) as file:
        arrays = {n: jnp.asarray(file[n].astype(settings["precision"])) for n in file}
    depth = sum(name.startswith("weight") for name in arrays)
    # Weights are (in, out), multiplied before they are scaled: of the forms that were
    # tried (transposed, scaled first, without vmap_axes) the one it is fastest in.
    params = [(arrays[f"weight{i}"].T, arrays[f"bias{i}"]) for i in range(depth)]

    def layers(params, x):
        for index, (weight, bias) in enumerate(params):
            x = x @ weight / weight.shape[0] ** 0.5 + 0.1 * bias
            if index < len(params) - 1:
                x = 2**0.5 * jax.nn.relu(x)
        return x

    def primary(flat, z):
        start, params = 0, []
        for out, fan in ((64, 2), (64, 64), (1, 64)):
            weight = flat[start : start + out * fan].reshape(out, fan).T
            start += out * fan
            params.append((weight, flat[start : start + out]))
            start += out
        return layers(params, z)

    def hypernetwork(params, u):
        return jax.vmap(lambda u: primary(layers(params, u[:784]), u[784:]))(u)

    if settings["case"] == "mlp":
        function, inputs = layers, arrays["x"]
    else:
        x, z = arrays["x"], arrays["z"]
        rows = jnp.repeat(x, z.shape[1], axis=0)
        inputs = jnp.concatenate([rows, z.reshape(-1, z.shape[-1])], axis=1)
        function = hypernetwork
    kernel = jax.jit(
        nt.empirical_ntk_fn(
            function,
            vmap_axes=0,
            implementation=nt.NtkImplementation[settings["implementation"]],
        ),
        static_argnums=1,
    )
    print(json.dumps({"ready": True}), file=answers, flush=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for line in sys.stdin:
        command = json.loads(line)
        start = time.perf_counter()
        found = kernel(inputs, None, params).block_until_ready()
        seconds = time.perf_counter() - start
        memory = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        if "values" in command:
            np.save(command["values"], np.asarray(found))
        answers.write(json.dumps({"seconds": seconds, "memory": memory}) + "\n")


main()
