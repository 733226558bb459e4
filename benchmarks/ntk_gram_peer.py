"""Times neural-tangents' NTK in an interpreter of its own.

Run by `ntk_gram.py --peer-python PATH`, never by hand: it reads one JSON line a
command and answers with one JSON line. It imports nothing of hyperlimit.
"""

import json
import os
import sys
import time

os.environ.setdefault("JAX_PLATFORMS", "cpu")

DEPTH = 4


def main() -> None:
    # Whatever libraries print goes to stderr: stdout carries answers only.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(**values: object) -> None:
        answers.write(json.dumps(values) + "\n")

    settings = json.loads(sys.stdin.readline())
    import jax

    jax.config.update("jax_enable_x64", settings["precision"] == "float64")
    import jax.numpy as jnp
    import neural_tangents  # ty: ignore
    import numpy as np
    from neural_tangents import stax  # ty: ignore

    layers = [stax.Dense(8), stax.Relu()] * (DEPTH - 1) + [stax.Dense(1)]
    *_, kernel = stax.serial(*layers)
    # Compiled as a whole, three times faster here than its own operations in turn.
    compiled = jax.jit(kernel, static_argnames="get")
    draws = np.random.default_rng(0).standard_normal((settings["n"], settings["d"]))
    x = jnp.asarray(draws, settings["precision"])

    def seconds() -> float:
        start = time.perf_counter()
        compiled(x, x, get="ntk").block_until_ready()
        return time.perf_counter() - start

    seconds()
    answer(
        duals=DEPTH - 1,
        versions={
            "jax": jax.__version__,
            "neural-tangents": neural_tangents.__version__,
        },
    )
    for _ in sys.stdin:
        answer(seconds=seconds())


if __name__ == "__main__":
    main()
