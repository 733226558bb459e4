"""How the Taylor terms of finite networks shrink with the width, beside theory."""

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, PyTree
from numpy.typing import NDArray

from hyperlimit.empirical._log_slope import LogSlope, log_slope
from hyperlimit.empirical._power_counting import exponents_in_theory
from hyperlimit.empirical._taylor_terms import taylor_terms
from hyperlimit.errors import InputError
from hyperlimit.finite import init
from hyperlimit.networks import Hypernetwork, Network, with_hidden_width

Vary = Literal["network", "meta", "primary", "both"]


@final
@dataclass(frozen=True)
class ScalingExponents:
    """Sizes of Taylor terms at several widths, and their exponents.

    Print it for a table.

    Attributes:
        vary: the widths of which network.
        widths: w of them.
        sizes: of each order, width and drawn network, (order, w, seeds).
        exponents: the slope of each order, with its interval.
        theory: what is expected of each; None where nothing is known.
        level: of the intervals.
    """

    vary: str
    widths: tuple[int, ...]
    sizes: NDArray
    exponents: tuple[LogSlope, ...]
    theory: tuple[float | None, ...]
    level: float

    @property
    def medians(self) -> NDArray:
        """Over seeds, (order, w)."""
        return np.median(self.sizes, axis=2)

    @property
    def median_intervals(self) -> tuple[NDArray, NDArray]:
        """Bounds of every median, (order, w) each, by order statistics.

        The median lies between two samples as surely as a fair coin shows heads
        between two counts, whatever the distribution; normal approximation.
        """
        count = self.sizes.shape[2]
        spread = NormalDist().inv_cdf((1 + self.level) / 2) * count**0.5 / 2
        low = max(0, math.floor((count - 1) / 2 - spread))
        ranked = np.sort(self.sizes, axis=2)
        return ranked[..., low], ranked[..., count - 1 - low]

    @property
    def agrees(self) -> tuple[bool | None, ...]:
        """Whether each expected exponent lies in its interval; None without one."""
        pairs = zip(self.exponents, self.theory, strict=True)
        return tuple(
            None if expected is None else found.low <= expected <= found.high
            for found, expected in pairs
        )

    def __str__(self) -> str:
        answers = {True: "yes", False: "no", None: ""}
        head = [f"{'r':>2}  {'exponent':>8}  {f'{self.level:.0%} interval':>16}"]
        head += [f"  theory  agrees  medians at {self.vary} widths"]
        head += [f" {width}" for width in self.widths]
        lines = ["".join(head)]
        rows = zip(self.exponents, self.theory, self.agrees, self.medians, strict=True)
        for r, (found, expected, agrees, medians) in enumerate(rows, start=1):
            interval = f"[{found.low:.2f}, {found.high:.2f}]"
            stated = "" if expected is None else f"{expected:.1f}"
            lines.append(
                f"{r:>2}  {found.slope:>8.2f}  {interval:>16}  {stated:>6}  "
                f"{answers[agrees]:<6}  {' '.join(f'{m:.2e}' for m in medians)}"
            )
        return "\n".join(lines)


def scaling_exponents(
    spec: Hypernetwork | Network,
    widths: tuple[int, ...] | list[int],
    *,
    u: PyTree,
    key: PRNGKeyArray | Array,
    order: int = 3,
    seeds: int = 200,
    vary: Vary | None = None,
    level: float = 0.95,
) -> ScalingExponents:
    r"""Fits $K^{(r)} \sim width^{e_r}$ on networks drawn at several widths.

    The size of order r of one network is the root mean square of the entries
    $K^{(r)}_{ij}$ of `taylor_terms` over all the given u; the exponent is the slope of
    the log of its median over seeds, fitted to all widths alike. Intervals are
    bootstrapped over seeds: they say nothing of widths that are too small for the
    limit, which theory is about.

    Args:
        spec: a hypernetwork, or a plain network.
        widths: two or more.
        u: pairs (x, z) of rows, or rows x for a plain network.
        key: draws the networks.
        order: the highest order, from 1 to 6.
        seeds: how many networks are drawn at each width.
        vary: whose hidden layers get the width: "meta", "primary" or "both" of a
            hypernetwork, "network" of a plain one. None: "meta" or "network".
        level: of the intervals.

    Cost: for each width one compilation, then one network at a time.

    Raises:
        InputError: for fewer than two widths or seeds, an unknown `vary`, a network
            without hidden layers, or what `init` and `taylor_terms` refuse.

    References:
        Littwin, Galanti, Wolf and Yang, *On Infinite-Width Hypernetworks*, NeurIPS
        2020, for hypernetworks; `docs/taylor.md` derives the exponents.

    Examples:
        >>> import jax, jax.numpy as jnp, hyperlimit as hl
        >>> found = hl.scaling_exponents(
        ...     hl.mlp(depth=3, width=1, out=1), (32, 64, 128), u=jnp.ones((1, 2)),
        ...     order=2, seeds=50, key=jax.random.key(0),
        ... )
        >>> found.theory
        (0.0, -1.0)
        >>> bool(found.exponents[1].slope < -0.5)
        True
    """
    vary = _checked_vary(spec, vary)
    widths = tuple(widths)
    if len(set(widths)) < 2 or seeds < 2:
        raise InputError(
            f"widths={widths} and seeds={seeds} were given: give at least two of both."
        )
    if not 0 < level < 1:
        raise InputError(f"level={level} was given: give a number between 0 and 1.")
    drawn = []
    for index, width in enumerate(widths):
        keys = jax.random.split(jax.random.fold_in(key, index), seeds)
        drawn.append(_sizes(_of_width(spec, vary, width), keys, u, order))
    sizes = np.stack(drawn, axis=1)
    draw = np.random.default_rng(np.asarray(jax.random.bits(key, (4,), jnp.uint32)))
    return ScalingExponents(
        vary=vary,
        widths=widths,
        sizes=sizes,
        exponents=tuple(log_slope(widths, rows, level, draw) for rows in sizes),
        theory=exponents_in_theory(spec, vary, order),
        level=level,
    )


def _sizes(spec: Hypernetwork | Network, keys: Array, u: PyTree, order: int) -> NDArray:
    """The size of each order for each key, (order, seeds)."""

    def one(key: Array) -> Float[Array, " r"]:
        if isinstance(spec, Network):
            net = init(spec, key=key, x=u)
        else:
            net = init(spec, key=key, x=u[0], z=u[1])
        terms = taylor_terms(net, u, order).reshape(order, -1)
        return jnp.sqrt(jnp.mean(terms**2, axis=1))

    # One after another: wide networks are larger than memory together.
    return np.asarray(jax.jit(lambda keys: jax.lax.map(one, keys))(keys), np.float64).T


def _of_width(
    spec: Hypernetwork | Network, vary: Vary, width: int
) -> Hypernetwork | Network:
    if isinstance(spec, Network):
        return with_hidden_width(spec, width)
    changed = {
        name: with_hidden_width(getattr(spec, name), width)
        for name in ("meta", "primary")
        if vary in (name, "both")
    }
    return replace(spec, **changed)


def _checked_vary(spec: Hypernetwork | Network, vary: str | None) -> Vary:
    known: tuple[Vary, ...] = ("meta", "primary", "both")
    if isinstance(spec, Network):
        known = ("network",)
    if vary is None:
        return known[0]
    for name in known:
        if vary == name:
            return name
    raise InputError(
        f"vary={vary!r} was given for a {type(spec).__name__}: give "
        f"{' or '.join(repr(name) for name in known)}."
    )
