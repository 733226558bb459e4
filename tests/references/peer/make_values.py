"""Writes values.json: kernels by neural-tangents on networks that both can express.

Needs an environment of its own: Python 3.11, jax and jaxlib 0.4.25, neural-tangents
0.6.5, numpy 1.26.4, scipy 1.13.1. Nothing of this project is imported.

    python tests/references/peer/make_values.py
"""

import json
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

from neural_tangents import stax  # noqa: E402

HERE = Path(__file__).parent


def dense(weight_std=1.0, bias_std=0.0):
    return stax.Dense(7, weight_std, bias_std)


def conv(window=(3, 3), strides=(1, 1), padding="SAME", weight_std=1.0, bias_std=0.0):
    return stax.Conv(7, window, strides, padding, weight_std, bias_std)


def residual(*branch, shortcut=None):
    return stax.serial(
        stax.FanOut(2),
        stax.parallel(stax.serial(*branch), shortcut or stax.Identity()),
        stax.FanInSum(),
    )


def norm():
    return stax.LayerNorm(axis=-1)


def perceptron(activation, depth=3, weight_std=1.3, bias_std=0.2):
    layers = []
    for _ in range(depth - 1):
        layers += [dense(weight_std, bias_std), activation]
    return stax.serial(*layers, dense(weight_std, bias_std))


VECTORS = {
    "mlp relu": perceptron(stax.Relu()),
    "mlp relu depth 7": perceptron(stax.Relu(), 7, 2**0.5, 0.0),
    "mlp leaky_relu": perceptron(stax.LeakyRelu(0.01)),
    "mlp abs": perceptron(stax.Abs()),
    "mlp abrelu": perceptron(stax.ABRelu(-0.5, 2.0)),
    "mlp identity": perceptron(stax.Identity()),
    "mlp erf": perceptron(stax.Erf()),
    "mlp gelu": perceptron(stax.Gelu()),
    "mlp sin": perceptron(stax.Sin()),
    "mlp sin 3": perceptron(stax.Sin(1.0, 3.0, 0.0)),
    "mlp cos": perceptron(stax.Cos()),
    "mlp gaussian": perceptron(stax.Gaussian()),
    "mlp exp": perceptron(stax.Exp(1.0, 0.4)),
    "mlp square": perceptron(stax.Monomial(2), weight_std=0.7),
    "mlp cube": perceptron(stax.Monomial(3), weight_std=0.6),
    # Its RectifiedMonomial gives NaN on these inputs, of any degree: not compared.
    "residual": stax.serial(
        dense(), residual(stax.Relu(), dense(1.2, 0.3)), stax.Relu(), dense()
    ),
    "residual with a shortcut": stax.serial(
        dense(),
        residual(
            stax.Erf(), dense(1.2), shortcut=stax.serial(stax.Relu(), dense(0.8, 0.1))
        ),
        dense(),
    ),
    "layer norm": stax.serial(
        dense(1.4), norm(), stax.Relu(), dense(0.7, 0.2), norm(), stax.Erf(), dense()
    ),
}
IMAGES = {
    "conv flatten": stax.serial(
        conv(weight_std=1.3), stax.Relu(), conv(), stax.Flatten(), dense()
    ),
    "conv strides": stax.serial(
        conv(strides=(2, 1), bias_std=0.3),
        stax.Relu(),
        conv((2, 3), (1, 2), "VALID"),
        stax.Erf(),
        stax.Flatten(),
        dense(1.0, 0.2),
    ),
    "conv circular": stax.serial(
        conv(padding="CIRCULAR"),
        stax.Relu(),
        conv(padding="CIRCULAR", bias_std=0.1),
        stax.Relu(),
        stax.Flatten(),
        dense(),
    ),
    "conv pool": stax.serial(
        conv(weight_std=1.4),
        stax.Relu(),
        stax.AvgPool((2, 2), (2, 2)),
        conv(weight_std=1.4),
        stax.Relu(),
        stax.Flatten(),
        dense(),
    ),
    "conv overlapping pool": stax.serial(
        conv(bias_std=0.2),
        stax.Relu(),
        stax.AvgPool((3, 2), (1, 2)),
        stax.Flatten(),
        dense(),
    ),
    "conv global pool": stax.serial(
        conv(weight_std=1.4),
        stax.Relu(),
        conv(strides=(2, 2), weight_std=1.4),
        stax.Relu(),
        stax.GlobalAvgPool(),
        dense(),
    ),
    "conv residual norm": stax.serial(
        conv(),
        residual(stax.Relu(), conv(weight_std=1.2)),
        norm(),
        stax.Relu(),
        stax.GlobalAvgPool(),
        dense(),
    ),
}


def rounded(array) -> list:
    return np.asarray(array, np.float64).tolist()


def main() -> None:
    """Draws inputs, evaluates every network, and writes one file."""
    random = np.random.default_rng(0)
    vectors = random.standard_normal((4, 5))
    vectors[3] = 0.4 * vectors[0] + 0.1 * vectors[1]
    images = random.standard_normal((3, 6, 5, 3))
    images[2] = 0.4 * images[0] + 0.1 * images[1]
    values = {"vectors": rounded(vectors), "images": rounded(images), "kernels": {}}
    for nets, inputs in ((VECTORS, vectors), (IMAGES, images)):
        for name, (_, _, kernel) in nets.items():
            found = kernel(inputs, None, ("nngp", "ntk"))
            values["kernels"][name] = {
                "nngp": rounded(found.nngp),
                "ntk": rounded(found.ntk),
            }
    (HERE / "values.json").write_text(json.dumps(values, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
