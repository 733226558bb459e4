"""What a parametrisation of a hypernetwork does as its widths grow."""

from dataclasses import dataclass
from typing import Literal, final

from hyperlimit.widths._abc import Number
from hyperlimit.widths._condition import EQUAL, Condition
from hyperlimit.widths._hypernetwork_abc import HypernetworkABC

Limit = Literal[
    "dual kernel",
    "meta-wide",
    "primary-wide",
    "feature learning",
    "feature learning in f",
    "feature learning in g",
    "trivial",
    "unstable",
]


@final
@dataclass(frozen=True)
class HypernetworkClassification:
    r"""What becomes of a hypernetwork at infinite width. Print it for the reasons.

    Attributes:
        limit: "dual kernel": the features of f and of g stay, training is regression
            with the hyperkernel; "meta-wide": f is wide and its features stay, g is
            as narrow as it was; "primary-wide": the same with f and g exchanged;
            "feature learning": features of f and g, as far as these are wide, move;
            "feature learning in f", "... in g": both are wide and those of one move;
            "trivial": outputs do not move; "unstable": something grows without bound.
        meta_r: the features of f change by $\Theta(k^{-r})$; None if f has none.
        primary_r: the same of g, along the gradient. Where f's features move, those of
            g are turned besides.
        conditions: the inequalities that decide, with their values.
    """

    limit: Limit
    meta_r: Number | None
    primary_r: Number
    conditions: tuple[Condition, ...]

    @property
    def stable(self) -> bool:
        """Whether everything stays bounded, at birth and in training."""
        return all(row.holds for row in self.conditions if row.limits)

    def __str__(self) -> str:
        f = "-" if self.meta_r is None else f"{self.meta_r:g}"
        head = f"{self.limit} (r of f = {f}, of g = {self.primary_r:g})"
        return "\n".join((head, *(f"  {row}" for row in self.conditions)))


def classify_hypernetwork(given: HypernetworkABC) -> HypernetworkClassification:
    """The classification of `classify` for a hypernetwork.

    Letters are those of `docs/widths.md`, where every line is derived; all numbers
    are exponents, of size $k^{-number}$.
    """
    alpha, beta, sgd = given.alpha, given.beta, given.rule == "sgd"
    last = len(given.primary) - 1
    fan_in = [beta if level else 0.0 for level in range(last + 1)]
    fan_out = [beta if level < last else 0.0 for level in range(last + 1)]

    sizes, rates = [], []
    for head, offset in given.primary:
        parts = [] if offset is None else [offset]
        if head is not None:
            parts.append(type(head)(head.size - alpha / 2, head.rate - alpha))
        sizes.append(min(part.size for part in parts))
        rates.append(min(part.rate for part in parts))

    # Gradients in the activations of g, in its weights, and in the features of f.
    gradient = min(sizes[last], rates[last])
    errors = [gradient if level < last else 0.0 for level in range(last + 1)]
    norms = [
        error - (into + out) / 2
        for error, into, out in zip(errors, fan_in, fan_out, strict=True)
    ]
    written = [
        (level, layer.head)
        for level, layer in enumerate(given.primary)
        if layer.head is not None
    ]
    into_f = min(
        min(
            head.size + norms[level],
            head.rate
            + (2 * norms[level] if sgd else errors[level])
            - (0.0 if sgd else fan_in[level] + fan_out[level]),
        )
        for level, head in written
    )
    meta_layers = [
        scale.rate + (into_f if sgd else 0.0) - (alpha if level else 0.0)
        for level, scale in enumerate(given.meta)
    ]
    meta_r = min(meta_layers) if meta_layers else None

    moves, turns = [], []
    for level, (head, _) in enumerate(given.primary):
        found = [rates[level] + (errors[level] if sgd else 0.0) - fan_in[level]]
        if head is not None and meta_r is not None:
            # f's features move W along the gradient, and turn it at random besides.
            aligned = 2 * head.size - alpha + meta_r - into_f + errors[level]
            found.append(aligned - fan_in[level])
            turn = head.size - alpha / 2 - fan_in[level] / 2 + meta_r
            turns.append((level + 1, turn))
        moves.append(min(found))
    primary_r = min(moves[:last])
    through = sizes[last] + primary_r - beta

    conditions = [
        Condition(f"layer {level + 1} of f at birth", "size", scale.size, at, "=")
        for level, scale in enumerate(given.meta)
        for at in ((alpha / 2 if level else 0.0),)
    ]
    conditions += [
        Condition(f"layer {level + 1} of g at birth", "size", size, at / 2, "=")
        for level, (size, at) in enumerate(zip(sizes[:last], fan_in, strict=False))
    ]
    conditions.append(
        Condition("outputs at birth", "size", sizes[last], beta / 2, ">=")
    )
    if meta_r is not None:
        conditions.append(Condition("features of f in training", "r", meta_r, 0, ">="))
    conditions += [
        Condition("features of g in training", "r", primary_r, 0, ">="),
        *(
            Condition(f"layer {level} of g as f's features turn", "r", turn, 0, ">=")
            for level, turn in turns
        ),
        Condition("outputs by the last weights of g", "r", moves[last], 0, ">="),
        Condition("outputs by features of g", "r", through, 0, ">="),
        Condition(
            "outputs move by the last weights of g", "r", moves[last], 0, "=", False
        ),
        Condition("outputs move by features of g", "r", through, 0, "=", False),
    ]
    rows = tuple(conditions)
    return HypernetworkClassification(
        _limit(rows, meta_r, primary_r, alpha, beta), meta_r, primary_r, rows
    )


def _limit(
    rows: tuple[Condition, ...],
    meta_r: Number | None,
    primary_r: Number,
    alpha: Number,
    beta: Number,
) -> Limit:
    if not all(row.holds for row in rows if row.limits):
        return "unstable"
    if not any(row.holds for row in rows if not row.limits):
        return "trivial"
    f_moves = meta_r is not None and meta_r < EQUAL
    g_moves = primary_r < EQUAL
    if beta == 0:
        return "feature learning" if f_moves else "meta-wide"
    if alpha == 0:
        return "feature learning" if g_moves else "primary-wide"
    if f_moves and g_moves:
        return "feature learning"
    if f_moves:
        return "feature learning in f"
    return "feature learning in g" if g_moves else "dual kernel"
