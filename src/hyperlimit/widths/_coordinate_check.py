"""Whether what training changes stays of one size as networks widen."""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import NDArray

from hyperlimit.empirical import LogSlope, log_slope
from hyperlimit.errors import InputError
from hyperlimit.finite import FiniteHypernetwork, FiniteNetwork, init
from hyperlimit.networks import Hypernetwork, Network, with_hidden_width
from hyperlimit.widths._abc import Rule, check_rule
from hyperlimit.widths._mup import MuP
from hyperlimit.widths._sizes_of_change import changes

# Which network, its widths, the other's width, and both for each measurement.
_Varied = tuple[str, tuple[int, ...], int | None, list[tuple[int, int]]]
Net = FiniteHypernetwork | FiniteNetwork
_OPTIMISERS: Mapping[Rule, Callable[[float], optax.GradientTransformation]] = {
    "sgd": optax.sgd,
    # What a step is must not depend on how small gradients are.
    "adam": lambda rate: optax.adam(rate, eps=1e-30),
}


@final
@dataclass(frozen=True)
class WidthSlopes:
    """How changes scale with one width. Print it for a table.

    Attributes:
        varied: "meta", "primary" or "network".
        widths: w of them.
        fixed: the width that stays, or None.
        changes: of every quantity, at each width and for each seed, (w, seeds).
        slopes: on logarithmic axes, of the medians, with intervals over seeds.
    """

    varied: str
    widths: tuple[int, ...]
    fixed: int | None
    changes: Mapping[str, NDArray] = field(repr=False)
    slopes: Mapping[str, LogSlope]

    def __str__(self) -> str:
        letter = "m" if self.varied == "primary" else "n"
        widths = ", ".join(str(width) for width in self.widths)
        beside = "" if self.fixed is None else f", the other is {self.fixed}"
        lines = [f"{f'{letter} = {widths}{beside}':<44} slope   95% interval"]
        for what, found in self.slopes.items():
            interval = f"[{found.low:.2f}, {found.high:.2f}]"
            lines.append(f"  {what:<42} {found.slope:>5.2f}  {interval:>14}")
        return "\n".join(lines)


@final
@dataclass(frozen=True)
class CoordinateCheck:
    """Changes of activations and weights at several widths. Print it for a table.

    Attributes:
        parametrisation: "mup", "standard" or "ntk".
        rule: "sgd" or "adam".
        steps: after how many.
        parts: one for each width that was varied.
    """

    parametrisation: str
    rule: str
    steps: int
    parts: tuple[WidthSlopes, ...]

    def within(self, tolerance: float = 0.1) -> bool:
        """Whether every slope is zero up to a tolerance."""
        return all(
            abs(found.slope) <= tolerance
            for part in self.parts
            for found in part.slopes.values()
        )

    @property
    def largest(self) -> float:
        """The slope that is furthest from zero."""
        slopes = [found.slope for part in self.parts for found in part.slopes.values()]
        return max(slopes, key=abs)

    def __str__(self) -> str:
        title = (
            f"{self.parametrisation}, {self.rule}: change after {self.steps} steps, "
            "as a power of the width"
        )
        parts = (textwrap.indent(str(part), "  ") for part in self.parts)
        return "\n".join([title, *parts])


def coordinate_check(
    spec: Hypernetwork | Network,
    data: Sequence[Array],
    *,
    parametrisation: str = "mup",
    rule: Rule = "adam",
    learning_rate: float = 0.01,
    meta_widths: Sequence[int] = (32, 64, 128, 256),
    primary_widths: Sequence[int] = (32, 64, 128, 256),
    fixed: tuple[int, int] | None = None,
    base: tuple[int, int] | None = None,
    steps: int = 3,
    seeds: int = 8,
    kernel: float = 0.5,
    key: PRNGKeyArray | Array,
) -> CoordinateCheck:
    r"""Trains a few steps at several widths and measures how much changes.

    At every width, networks are drawn and trained by full-batch steps on the mean
    squared error. What changed since birth, activations and outputs in root mean square
    and generated matrices in spectral norm times $\sqrt{\text{fan in}/\text{fan out}}$,
    is fitted by a power of the width. Where every slope is zero, every layer learns at
    any width, and none runs away. At small widths slopes are off by what vanishes as
    one over the width.

    Args:
        spec: a hypernetwork or a plain network; its hidden layers get the widths.
        data: (x, z, y) of a hypernetwork, x (b, d_x), z (p, d_z), y (b, p) or
            (b, p, k); (x, y) of a network, y (b,) or (b, k).
        parametrisation: "mup", as `MuP` with the smallest widths as base; "standard" or
            "ntk", as `init`, all arrays at one learning rate.
        rule: "sgd" or "adam".
        learning_rate: at the base, or of all widths.
        meta_widths, primary_widths: two or more, for f and g; a network takes
            the first.
        fixed: the width of f while g's varies, and of g while f's does. None: the
            smallest of both.
        base: for "mup", the widths of f and g at which factors are one. None: the
            smallest.
        steps: at least 1. What starts at zero moves from the second step on.
        seeds: at least 2 networks for each width.
        kernel: as in `MuP`.
        key: draws them.

    Cost: one compilation for each width, then networks one after another.

    Raises:
        InputError: for fewer than two widths, steps or seeds out of range, a rate that
            is not positive or so large that numbers overflow, an unknown name, or data
            of other shapes or that are not finite.

    References:
        Yang et al., *Tensor Programs V*, NeurIPS 2021, appendix D, for networks.

    Examples:
        >>> import jax, jax.numpy as jnp, hyperlimit as hl
        >>> x = jax.random.normal(jax.random.key(0), (8, 4))
        >>> found = hl.coordinate_check(
        ...     hl.mlp(depth=3, width=1, activation="tanh", out=1),
        ...     (x, x[:, 0] * x[:, 1]), meta_widths=(64, 128, 256), seeds=8,
        ...     key=jax.random.key(1),
        ... )
        >>> found.within(0.15)
        True
    """
    x, z, targets = _checked_data(spec, data)
    check_rule(rule)
    if parametrisation not in ("mup", "standard", "ntk"):
        raise InputError(
            f"parametrisation={parametrisation!r} was given: give 'mup', 'standard' or "
            "'ntk'."
        )
    if steps < 1 or seeds < 2 or not 0 < learning_rate < math.inf:
        raise InputError(
            f"steps={steps}, seeds={seeds} and learning_rate={learning_rate} were "
            "given: give at least 1 step, 2 seeds and a positive rate."
        )
    n_all, m_all = _checked_widths(meta_widths), _checked_widths(primary_widths)
    n_base, m_base = (n_all[0], m_all[0]) if base is None else base
    n_fixed, m_fixed = fixed or (n_all[0], m_all[0])
    optimiser = _OPTIMISERS[rule](learning_rate)

    def measured(n: int, m: int, keys: Array) -> dict[str, NDArray]:
        wide = _of_widths(spec, n, m)
        mup = MuP(wide, _of_widths(spec, n_base, m_base), rule, kernel)

        def one(key: Array) -> dict[str, Array]:
            if parametrisation == "mup":
                net = mup.init(key=key, x=x, z=z)
                steps_of = mup.optimiser(net, optimiser)
            else:
                net = init(wide, key=key, x=x, z=z, parametrisation=parametrisation)
                steps_of = optimiser
            assert isinstance(net, FiniteHypernetwork | FiniteNetwork)
            return changes(net, _trained(net, steps_of, x, z, targets, steps), x, z)

        # Optax raises numbers to counted steps, which strict promotion refuses.
        with jax.numpy_dtype_promotion("standard"):
            found = jax.jit(lambda keys: jax.lax.map(one, keys))(keys)
        if not all(np.isfinite(each).all() for each in found.values()):
            at = f"width {n}" if z is None else f"widths {n} of f and {m} of g"
            raise InputError(
                f"what changed at {at} is not finite at learning_rate="
                f"{learning_rate}: give a smaller one."
            )
        return {name: np.asarray(each, np.float64) for name, each in found.items()}

    if isinstance(spec, Network):
        varied: list[_Varied] = [("network", n_all, None, [(n, 1) for n in n_all])]
    else:
        varied = [
            ("meta", n_all, m_fixed, [(n, m_fixed) for n in n_all]),
            ("primary", m_all, n_fixed, [(n_fixed, m) for m in m_all]),
        ]
    parts, kept = [], {}
    for name, widths, other, pairs in varied:
        for index, (n, m) in enumerate(pairs):
            if (n, m) not in kept:
                chosen = jax.random.fold_in(jax.random.fold_in(key, index), len(parts))
                kept[n, m] = measured(n, m, jax.random.split(chosen, seeds))
        rows = {
            what: np.stack([kept[pair][what] for pair in pairs])
            for what in kept[pairs[0]]
        }
        draw = np.random.default_rng(np.asarray(jax.random.bits(key, (4,), jnp.uint32)))
        slopes = {
            what: log_slope(widths, each, 0.95, draw) for what, each in rows.items()
        }
        parts.append(WidthSlopes(name, widths, other, rows, slopes))
    return CoordinateCheck(parametrisation, rule, steps, tuple(parts))


def _trained(
    net: Net,
    optimiser: optax.GradientTransformation,
    x: Float[Array, "b ..."],
    z: Float[Array, "p dz"] | None,
    targets: Float[Array, "..."],
    steps: int,
) -> Net:
    """The network after full-batch steps on the mean squared error."""
    arrays, rest = eqx.partition(net, eqx.is_inexact_array)

    def loss(arrays: Net) -> Float[Array, ""]:
        whole = eqx.combine(arrays, rest)
        if isinstance(whole, FiniteHypernetwork):
            assert z is not None
            outputs = whole.batch(x, z)
        else:
            outputs = jax.vmap(whole)(x)
        return jnp.mean((outputs - targets) ** 2)

    def step(carry, _):
        arrays, state = carry
        updates, state = optimiser.update(jax.grad(loss)(arrays), state, arrays)
        return (optax.apply_updates(arrays, updates), state), None

    start = (arrays, optimiser.init(arrays))
    (arrays, _), _ = jax.lax.scan(step, start, length=steps)
    return eqx.combine(arrays, rest)


def _of_widths(spec: Hypernetwork | Network, n: int, m: int) -> Hypernetwork | Network:
    if isinstance(spec, Network):
        return with_hidden_width(spec, n)
    return replace(
        spec,
        meta=with_hidden_width(spec.meta, n),
        primary=with_hidden_width(spec.primary, m),
    )


def _checked_widths(widths: Sequence[int]) -> tuple[int, ...]:
    found = tuple(sorted(set(widths)))
    if len(found) < 2 or found[0] < 1:
        raise InputError(
            f"widths {tuple(widths)} were given: give two or more different ones, all "
            "of at least 1."
        )
    return found


def _checked_data(
    spec: Hypernetwork | Network, data: Sequence[Array]
) -> tuple[Array, Array | None, Array]:
    """x, z or None, and targets with an axis for outputs."""
    network = isinstance(spec, Network)
    shapes = [tuple(jnp.shape(each)) for each in data]
    if len(data) != (2 if network else 3):
        raise InputError(
            f"data of shapes {shapes} were given: give "
            f"{'(x, y) of a network' if network else '(x, z, y) of a hypernetwork'}."
        )
    x, targets = jnp.asarray(data[0]), jnp.asarray(data[-1])
    z = None if network else jnp.asarray(data[1])
    rows = (len(x),) if z is None else (len(x), len(z))
    if targets.ndim == len(rows):
        targets = targets[..., None]
    if targets.shape[:-1] != rows:
        raise InputError(
            f"data of shapes {shapes} were given: y must have the rows of x"
            f"{'' if z is None else ' and z'}, {rows}."
        )
    if 0 in rows:
        raise InputError(f"data of shapes {shapes} were given: give at least one row.")
    for each in data:
        values = np.asarray(each)
        if not np.isfinite(values).all():
            raise InputError(
                f"data hold {values[~np.isfinite(values)][0]}: give finite numbers."
            )
    return x, z, targets
