"""neural-tangents' side of conv_kernel.py, in an environment of its own.

Reads one JSON command a line: settings first, then "time" or "values".
"""

import json
import sys
import time


def main() -> None:
    settings = json.loads(sys.stdin.readline())
    import jax

    jax.config.update("jax_enable_x64", settings["precision"] == "float64")
    import numpy as np
    from neural_tangents import stax

    def conv():
        return stax.Conv(7, (3, 3), padding="SAME")

    layers = []
    for _ in range(settings["depth"]):
        layers += [conv(), stax.Relu()]
    end = stax.GlobalAvgPool() if settings["pool"] else stax.Flatten()
    kernel = stax.serial(*layers, end, stax.Dense(1))[2]
    compiled = jax.jit(lambda x: kernel(x, None, "ntk"))
    x = np.asarray(np.load(settings["images"]), settings["precision"])
    found = compiled(x).block_until_ready()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        start = time.perf_counter()
        found = compiled(x).block_until_ready()
        seconds = time.perf_counter() - start
        if "values" in command:
            np.save(command["values"], np.asarray(found))
        print(json.dumps({"seconds": seconds}), flush=True)


main()
