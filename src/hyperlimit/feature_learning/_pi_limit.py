"""The pi-limit of a deep network of rectifiers: its description."""

import math
from dataclasses import dataclass
from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from hyperlimit.activations import ReLU
from hyperlimit.errors import InputError
from hyperlimit.feature_learning._pi_network import PiNetwork, Rows
from hyperlimit.feature_learning._pi_scales import Scales
from hyperlimit.feature_learning._relu_moment import unit_rows
from hyperlimit.finite import check_key, input_size
from hyperlimit.layers import Coordinates, Dense, Elementwise, Size
from hyperlimit.networks import Network


@final
@dataclass(frozen=True)
class PiLimit:
    """What `pi_limit` makes; `init` draws a network.

    Attributes:
        spec: the network whose hidden layers are infinitely wide.
        rank: r, the length of the vectors that stand for hidden layers.
        rows: how many rows a hidden layer has at birth.
        scales: the factors of its layers.
    """

    spec: Network
    rank: int
    rows: int
    scales: Scales

    def init(self, x: ArrayLike | Size, *, key: PRNGKeyArray | Array) -> PiNetwork:
        r"""A network at birth, whose outputs are zero.

        $A^1_{ij} \sim N(0, 1/r)$, so that $|g^1|^2$ is about $\sigma_w^2 |x|^2 / d$.
        Hidden layers have random unit rows B and Gaussian rows A that sum to zero:
        with $V_i \approx |g|/2\pi + b_i \cdot g / 4$, which is what random rows of a
        high rank see, a sum that is not zero would drown the second term. They keep
        lengths, nearly. The readout has no rows, and biases are zero.

        Args:
            x: an example of an input, or its length.
            key: a JAX random key.

        Raises:
            InputError: for no random key, or an input of another size.
        """
        size = input_size("x", x, self.spec.in_size, 1)
        if not isinstance(size, int):
            raise InputError(f"x={x!r} has no length: give an example of an input.")
        kind = jax.dtypes.canonicalize_dtype(float)
        keys = jax.random.split(check_key(key), 2 * self.scales.depth)
        r, rows = self.rank, []
        first = jax.random.normal(keys[0], (size, r), kind) / math.sqrt(r)
        for level in range(1, self.scales.depth - 1):
            shape = (self.rows, r)
            units, _ = unit_rows(jax.random.normal(keys[2 * level], shape, kind))
            a = jax.random.normal(keys[2 * level + 1], shape, kind)
            a = a - jnp.mean(a, axis=0, keepdims=True)
            std = 4 / (self.scales.gains[level - 1] ** 2 * math.sqrt(self.rows))
            rows.append(Rows(std * a, units, self.rows))
        out = self.spec.out_size(size)
        rows.append(Rows(jnp.zeros((0, out), kind), jnp.zeros((0, r), kind), 0))
        widths = [r] * (self.scales.depth - 1) + [out]
        biases = tuple(
            jnp.zeros(width if std > 0 else 0, kind)
            for width, std in zip(widths, self.scales.bias_stds, strict=True)
        )
        return PiNetwork(
            first, tuple(rows), biases, jnp.zeros((), jnp.int32), self.scales
        )


def pi_limit(
    spec: Network,
    *,
    rank: int,
    rows: int | None = None,
    rates: tuple[float, ...] | None = None,
) -> PiLimit:
    r"""An infinitely wide network of rectifiers that learns features, exactly.

    Networks of width n whose hidden layers are kept, by a projection of every update,
    in the span of random matrices $\Omega^l$ of shape (n, r), as $n \to \infty$. A
    hidden layer is then a vector $g^l \in R^r$ for every input (its units are
    $\omega \cdot g^l$, $\omega \sim N(0, I_r)$), a weight a list of rows,

    $$g^1 = \tfrac{\sigma_w}{\sqrt d} A^{1T} x + \sigma_b c,\qquad
      g^{l+1} = \sigma_w A^T V(B, g^l) + \sigma_b c,\qquad
      V_i = E\,\phi(b_i\cdot\omega)\,\phi(g\cdot\omega),$$

    and a step of gradient descent of rate $\eta$ leaves the rows as they are and
    appends one for every example of its batch:

    $$B \leftarrow g^l/|g^l|,\qquad
      A \leftarrow -\eta\,\sigma_w\,|g^l|\,\partial L/\partial g^{l+1}.$$

    `docs/feature_learning_pi.md` derives it.

    Args:
        spec: `mlp(depth=..., width=..., activation="relu", out=...)` of depth 2 or
            more; the width does not count. Its $\sigma_w$ and $\sigma_b$ are factors
            of what is trained, and so enter the rates squared.
        rank: r. The higher, the more a hidden layer can hold.
        rows: of a hidden layer at birth, 2 at least. None: as many as the rank.
        rates: factors of the learning rate, one for each weight layer. None: ones.

    Cost: after T examples in all, r T numbers a layer and about 4 r T operations for
    one input and layer; a training of T examples costs O(r T^2).

    Raises:
        InputError: for other layers, other activations than relu, inputs with
            features, a rank below 1, or rates that do not fit.

    References:
        Yang, Santacroce and Hu, *Efficient Computation of Deep Nonlinear
        Infinite-Width Neural Networks that Learn Features*, ICLR 2022.

    Examples:
        >>> import jax, jax.numpy as jnp, hyperlimit as hl
        >>> limit = hl.pi_limit(hl.mlp(depth=3, width=1, out=1), rank=20)
        >>> x = jnp.linspace(-1, 1, 8)[:, None]
        >>> net = limit.init(x, key=jax.random.key(0))
        >>> net, losses = net.train(
        ...     x, x, learning_rate=0.5, steps=40, batch_size=8, key=jax.random.key(1)
        ... )
        >>> net.rows[0].a.shape[1], bool(losses[-1] < 0.1 * losses[0])
        (20, True)
    """
    dense, between = spec.layers[0::2], spec.layers[1::2]
    alternate = len(dense) == len(between) + 1 and len(dense) > 1
    if not (
        alternate
        and all(isinstance(layer, Dense) for layer in dense)
        and all(isinstance(layer, Elementwise) for layer in between)
    ):
        names = ", ".join(type(layer).__name__ for layer in spec.layers)
        raise InputError(
            f"the network has layers {names}: give dense layers, two or more, with an "
            "activation between each two, as mlp(depth=2, ...) makes them."
        )
    others = [e.function for e in between if e.function != ReLU()]  # ty: ignore
    if others:
        raise InputError(
            f"the activation {others[0]} was given: give relu, whose moments depend on "
            "a length and an angle alone; others have no such rows."
        )
    if spec.inputs != Coordinates():
        raise InputError(
            f"inputs={spec.inputs} were given: give the network features as its inputs."
        )
    if rank < 1 or (rows is not None and rows < 2):
        raise InputError(
            f"rank={rank} and rows={rows} were given: give a rank of at least 1 and at "
            "least 2 rows, since those at birth sum to zero."
        )
    chosen = (1.0,) * len(dense) if rates is None else tuple(rates)
    if len(chosen) != len(dense) or not all(0 <= one < math.inf for one in chosen):
        raise InputError(
            f"rates={rates} were given: give one number of at least 0 for each of the "
            f"{len(dense)} weight layers."
        )
    scales = Scales(
        tuple(float(d.weight_std) for d in dense),  # ty: ignore
        tuple(float(d.bias_std) for d in dense),  # ty: ignore
        tuple(float(e.gain) for e in between),  # ty: ignore
        chosen,
    )
    return PiLimit(spec, rank, max(rank, 2) if rows is None else rows, scales)
