"""The sinusoidal representation network."""

import math
from collections.abc import Sequence

from hyperlimit.activations import Sin
from hyperlimit.errors import InputError
from hyperlimit.layers import Dense, Elementwise
from hyperlimit.networks._answers import answers
from hyperlimit.networks._network import Network


def siren(
    *,
    depth: int,
    width: int,
    in_size: int,
    frequency: float = 30.0,
    out: int | None = None,
    bias_std: float = 0.0,
    unit: bool = False,
    weights_generated: bool | Sequence[bool] | None = None,
    biases_generated: bool | Sequence[bool] | None = None,
) -> Network:
    r"""Dense layers with a sine between each two, in the published initialisation.

    $q^l = \sin(\omega_0 y^l)$, $y^l = W^l q^{l-1} + b^l$, with $W^1$ uniform on
    $\pm 1/d$ and the others on $\pm\sqrt{6/m} / \omega_0$, for d inputs and width m.
    Here $y = \frac{\sigma_w}{\sqrt{fan\,in}} W q + \sigma_b b$ with unit variances, so
    that the variances $\frac{1}{3 d^2}$ and $\frac{2}{m \omega_0^2}$ of those laws are

    $$\sigma_w = \frac{1}{\sqrt{3 d}}\text{ in the first layer},\qquad
      \sigma_w = \frac{\sqrt 2}{\omega_0}\text{ in all others}.$$

    Entries are normal here; of their law, the first layer alone sees more than the
    variance at infinite width.

    Without biases the preactivation $\omega_0 y$ has the variance
    $v_1 = \omega_0^2 |z|^2 / (3 d^2)$ in the first layer and then
    $v_{l+1} = 2 E\sin^2(\omega_0 y^l) = 1 - e^{-2 v_l}$: one in the second layer, where
    $v_1$ is large. The published rule takes $\frac12$ for $E\sin^2$ everywhere; for
    a standard normal number it is $(1 - e^{-2})/2$, and from the third layer on the
    variances are .865, .823 and so on, down to .797. With `unit` the weights there
    are larger by $(1 - e^{-2})^{-1/2}$, and the variance stays one. The last layer has
    no sine and puts out $v / \omega_0^2$.

    Args:
        depth: the number of weight layers, at least one.
        width: the width of the hidden layers.
        in_size: the length d of an input: the scale of the first layer depends on it.
        frequency: $\omega_0$, positive.
        out: the number of outputs. None in a meta-network.
        bias_std: the deviation of b, inside the sine with the weights. Zero, for no
            biases, is the limit of the usual uniform law on $\pm 1/\sqrt{m}$.
        unit: whether the hidden preactivations keep unit variance at every depth.
        weights_generated: in a primary network, whether a meta-network writes the
            weights: one answer, or one for each weight layer. None: yes.
        biases_generated: the same for biases. None: as the weights.

    Raises:
        InputError: for a depth, width or size below one, a frequency that is not
            positive and finite, or a list of answers whose length is not the depth.

    References:
        Sitzmann, Martel, Bergman, Lindell and Wetzstein, *Implicit Neural
        Representations with Periodic Activation Functions*, NeurIPS 2020.

    Examples:
        >>> network = siren(depth=4, width=64, in_size=2, out=3)
        >>> [f"{layer.weight_std:.4f}" for layer in network.layers[::2]]
        ['0.4082', '0.0471', '0.0471', '0.0471']
    """
    for name, value in (("depth", depth), ("in_size", in_size), ("out", out)):
        if value is not None and value < 1:
            raise InputError(f"{name}={value} must be at least 1.")
    if not 0 < frequency < math.inf:
        raise InputError(f"frequency={frequency} must be positive and finite.")
    weights = answers("weights_generated", weights_generated, depth)
    biases = answers("biases_generated", biases_generated, depth)
    layers = []
    for level in range(depth):
        last = level == depth - 1
        weight_std = math.sqrt(2) / frequency if level else 1 / math.sqrt(3 * in_size)
        if unit and level > 1:
            weight_std /= math.sqrt(-math.expm1(-2))
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
            layers.append(Elementwise(Sin(frequency), unit=False))
    return Network(tuple(layers), in_size=in_size)
