"""What to change first, each with the number behind it."""

from typing import NamedTuple

from hyperlimit.diagnosis._scales import Layer, Scales

# Sizes within this factor of what is right are left alone.
NEAR = 2.0
# The share of a weight that may differ between x at birth before that is worth a word.
SHARED = 0.2
# What x has a say of in the weights then.
VARYING = 0.1


class Advice(NamedTuple):
    """One change.

    Attributes:
        about: "inputs", "initialisation", "sharing", "learning rate", "width", or
            "conditioning".
        text: what is wrong, by how much, and what to do.
    """

    about: str
    text: str


def on_inputs(found: Scales) -> list[Advice]:
    """Inputs of another size than one."""
    return [
        Advice(
            "inputs",
            f"{name} has entries of size {size:.3g} where initialisations expect 1: "
            f"divide it by {size:.3g}, or standardise it.",
        )
        for name, size in (("x", found.x), ("z", found.z))
        if not 1 / 3 <= size <= 3
    ]


def on_sizes(found: Scales, missed: tuple[str, ...]) -> list[Advice]:
    """Layers whose outputs are too large or small; f's first, as g's count on it."""
    advice = []
    for which, whose in (("f", "f's own"), ("g", "what f writes for")):
        rows = [row for row in found.layers if row.network == which and _off(row)]
        if not rows:
            continue
        worst = max(rows, key=lambda row: max(row.factor, 1 / row.factor))
        each = ", ".join(f"{row.name} by {row.factor:.2g}" for row in rows)
        hint = (
            "; in f that cannot be done by its last layer alone for "
            + ", ".join(missed)
            if which == "g" and missed
            else ""
        )
        advice.append(
            Advice(
                "initialisation",
                f"{worst.network}'s {worst.name} gives numbers of size "
                f"{worst.outputs:.3g} where {worst.target:.2g} is right: multiply "
                f"{whose} {each}, each factor found with the layers before it "
                f"corrected, biases beside them too{hint}.",
            )
        )
    return advice


def on_sharing(found: Scales, shared: bool) -> list[Advice]:
    """Weights that have nothing in common between x."""
    shares = [row.varies for row in found.layers if row.varies is not None]
    largest = max(shares, default=0.0)
    if largest <= SHARED:
        return []
    mend = (
        f"multiply the matrix of f's last layer by {VARYING} and let its bias start as "
        "a random draw of the size that they have now"
        if shared
        else "give f's last layer a bias (or hypernetize's initialisation="
        "'bias_hyperinit') that starts as one draw of the weights"
    )
    return [
        Advice(
            "sharing",
            f"every x begins with a primary network of its own, {largest:.0%} of its "
            "weights' second moment differs between x, and each must learn alone what "
            f"all have in common: {mend}.",
        )
    ]


def on_rate(
    given: float, best: float, ends: dict[float, float], beside: str
) -> list[Advice]:
    """Another learning rate."""
    if best <= 0 or 1 / NEAR < best / given < NEAR:
        return []
    tried = ", ".join(f"{rate:.2g}: {end:.3g}" for rate, end in sorted(ends.items()))
    return [
        Advice(
            "learning rate",
            f"use {best:.2g} in place of {given:.2g} (loss at the end of short "
            f"trainings{beside and ' ' + beside}, {tried}).",
        )
    ]


def on_width(spreads: dict[str, float]) -> list[Advice]:
    """Which width brings the network closer to a limit that trains reliably."""
    if len(spreads) < 3 or spreads["now"] <= 0.1:
        return []
    first = min(("f twice as wide", "g twice as wide"), key=lambda name: spreads[name])
    return [
        Advice(
            "width",
            f"the kernel differs by {spreads['now']:.0%} between draws of the network; "
            f"with f twice as wide by {spreads['f twice as wide']:.0%}, with g twice "
            f"as wide by {spreads['g twice as wide']:.0%}: widen {first[0]} first.",
        )
    ]


def on_conditioning(shares: list[float], rates: list[float]) -> list[Advice]:
    """A kernel with one mode that is not where the error is."""
    total = sum(rates)
    if total <= 0 or rates[0] / total < 0.8 or shares[0] > 0.5:
        return []
    return [
        Advice(
            "conditioning",
            f"one mode has {rates[0] / total:.0%} of the kernel and {shares[0]:.0%} of "
            "the error, so that rates are limited by what is not to be learned: centre "
            "x, z and the targets, or give z Fourier features.",
        )
    ]


def _off(row: Layer) -> bool:
    return not 1 / NEAR <= row.factor <= NEAR
