"""The multilayer perceptron."""

from collections.abc import Callable, Sequence

from jaxtyping import Array

from hyperlimit.activations import AbstractActivation, activation
from hyperlimit.errors import InputError
from hyperlimit.layers import AbstractInputs, Coordinates, Dense, Elementwise
from hyperlimit.networks._answers import answers
from hyperlimit.networks._network import Network

Choice = str | AbstractActivation | Callable[[Array], Array]


def mlp(
    *,
    depth: int,
    width: int,
    activation: Choice = "relu",
    unit: bool = True,
    out: int | None = None,
    in_size: int | None = None,
    weight_std: float = 1.0,
    bias_std: float = 0.0,
    inputs: AbstractInputs | None = None,
    weights_generated: bool | Sequence[bool] | None = None,
    biases_generated: bool | Sequence[bool] | None = None,
) -> Network:
    r"""Dense layers with an activation between each two: `depth` weight layers.

    $y^l = \frac{\sigma_w}{\sqrt{d_{l-1}}} W^l q^{l-1} + \sigma_b b^l$ and
    $q^l = \hat\phi(y^l)$, where $\hat\phi$ is the activation, scaled to unit second
    moment under $N(0, 1)$ if `unit`; the last layer has no activation.

    Args:
        depth: the number of weight layers, at least one.
        width: the width of the hidden layers.
        activation: a registered name, an activation, or any elementwise function.
        unit: whether the activation is scaled to unit second moment.
        out: the number of outputs. None in a meta-network, whose outputs are the
            weights of a primary network.
        in_size: the length of an input, if known already; finite networks only.
        weight_std: $\sigma_w$.
        bias_std: $\sigma_b$; zero means no biases.
        inputs: features of the inputs, for example `FourierFeatures(bandwidth=2.0)`.
        weights_generated: in a primary network, whether a meta-network writes the
            weights: one answer, or one for each weight layer. None: yes.
        biases_generated: the same for biases. None: as the weights.

    Raises:
        InputError: for a depth or width below one, an unknown activation, or a list
            of answers whose length is not the depth.

    Examples:
        >>> mlp(depth=3, width=64, activation="erf", out=1).dense_layers
        3
    """
    if depth < 1:
        raise InputError(f"depth={depth} counts weight layers and must be at least 1.")
    if out is not None and out < 1:
        raise InputError(f"out={out} must be at least 1.")
    between = Elementwise(_activation(activation), unit)
    weights = answers("weights_generated", weights_generated, depth)
    biases = answers("biases_generated", biases_generated, depth)
    layers = []
    for level in range(depth):
        last = level == depth - 1
        layers.append(
            Dense(
                width=out if last else width,
                weight_std=weight_std,
                bias_std=bias_std,
                weights_generated=weights[level],
                biases_generated=biases[level],
            )
        )
        if not last:
            layers.append(between)
    return Network(tuple(layers), inputs or Coordinates(), in_size)


# The keyword `activation` hides the function of that name inside `mlp`.
_activation = activation
