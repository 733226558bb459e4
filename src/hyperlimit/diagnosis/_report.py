"""A diagnosis as plain data, tables and sentences."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from hyperlimit.diagnosis._diagnosis import Diagnosis


class Section(NamedTuple):
    """A heading, a table if there is one, and sentences below it."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    sentences: list[str]


def sections(found: "Diagnosis") -> Iterator[Section]:
    """Everything, in the order to be read in."""
    yield _verdict(found)
    yield _layers(found)
    yield _trainings(found)
    yield _taylor(found)
    yield _kernel(found)


def _verdict(found: "Diagnosis") -> Section:
    sentences = [f"{i}. [{a.about}] {a.text}" for i, a in enumerate(found.advice, 1)]
    if not sentences:
        sentences = ["Nothing stands out: no change that was tried trains better."]
    given, best = found.given, found.best
    if found.changed or found.learning_rate != given.rate:
        end = "diverges" if not np.isfinite(given.end) else f"is {given.end:.3g}"
        rate = min(found.alone, key=lambda one: one.end)
        sentences.append(
            f"Followed, the loss after {len(best.losses)} steps is {best.end:.3g}; as "
            f"things are it {end}, and with no change but the learning rate "
            f"{rate.rate:.2g} it is {rate.end:.3g}; the best constant has "
            f"{found.baseline:.3g}."
        )
    elif not best.end < found.baseline:
        sentences.append(
            f"In {len(best.losses)} steps nothing that was tried gets below the best "
            f"constant's loss, {found.baseline:.3g}: try more steps."
        )
    each = ", ".join(
        f"{name} {min(one.end for one in trials):.3g}"
        for name, trials in found.tried.items()
    )
    verdict = "" if found.changed else "not worth a twentieth: "
    sentences.append(
        "Changes of the initialisation, each at the best of its learning rates: "
        f"{verdict}{each}; none {min(one.end for one in found.alone):.3g}."
    )
    return Section("What to change first", (), [], sentences)


def _layers(found: "Diagnosis") -> Section:
    columns = (
        "",
        "weight",
        "shape",
        "its size",
        "inputs",
        "outputs",
        "right",
        "gradient",
        "own to x",
    )
    rows: list[tuple[str, ...]] = [
        (
            row.network,
            row.name,
            "x".join(map(str, row.shape)),
            f"{row.weight:.3g}",
            f"{row.inputs:.3g}",
            f"{row.outputs:.3g}",
            f"{row.target:.2g}",
            f"{row.gradient:.2g}",
            "" if row.varies is None else f"{row.varies:.0%}",
        )
        for row in found.scales.layers
    ]
    scales = found.scales
    return Section(
        "Sizes, as root mean squares",
        columns,
        rows,
        [
            f"x {scales.x:.3g}, z {scales.z:.3g}, targets {scales.targets:.3g} about "
            f"their mean, outputs {scales.outputs:.3g}; loss {scales.loss:.3g} (half "
            "the mean square, unless a loss was given), of the "
            f"best constant {found.baseline:.3g}. Gradients are of one example's loss; "
            "'own to x' is the share of what f writes that differs between x."
        ],
    )


def _trainings(found: "Diagnosis") -> Section:
    rows: list[tuple[str, ...]] = []
    for name, trials in (("as it is", found.alone), *found.tried.items()):
        for one in sorted(trials, key=lambda one: one.rate):
            mark = " <- given" if one is found.given else ""
            mark += " <- best" if one is found.best else ""
            rows.append(
                (
                    name,
                    f"{one.rate:.2g}",
                    f"{one.losses[0]:.3g}",
                    f"{one.end:.3g}{mark}",
                )
            )
    return Section(
        f"Short trainings of {len(found.given.losses)} steps",
        ("network", "learning rate", "first loss", "last tenth"),
        rows,
        [],
    )


def _taylor(found: "Diagnosis") -> Section:
    step = found.step
    rates = {"given": found.given.rate}
    if np.isfinite(step.covering):
        rates["covers the error"] = step.covering
    rows: list[tuple[str, ...]] = [
        (f"{rate:.2g}, {name}", *(f"{size:.2g}" for size in step.at(rate)))
        for name, rate in rates.items()
    ]
    return Section(
        "The optimiser's first step, as things are: Taylor terms of the outputs",
        ("learning rate", "first", "second", "third"),
        rows,
        [
            "Root mean squares in units of the error. The first would undo the error "
            f"at the rate {step.covering:.2g}; at {step.bending:.2g} the second is "
            "half of the first, and the network is no longer linear in its parameters."
        ],
    )


def _kernel(found: "Diagnosis") -> Section:
    modes = found.spectrum
    rows: list[tuple[str, ...]] = [
        ("drift in the short training", f"{found.drift:.1%}")
    ]
    names = {"now": "between draws of the network"}
    rows += [
        (names.get(name, f"the same, {name}"), f"{value:.1%}")
        for name, value in found.spreads.items()
    ]
    if found.limit is not None:
        rows.append(("mean over draws, from the dual limit", f"{found.limit[0]:.1%}"))
    moved = (
        [
            "In the short training the kernel moved by more than itself: nothing that "
            "is said of a linear network holds beyond the first steps."
        ]
        if found.drift > 1
        else []
    )
    positive = modes.rates[modes.rates > 1e-7 * modes.rates[0]]
    half = int(np.searchsorted(np.cumsum(modes.shares), 0.5)) + 1
    condition = positive[0] / positive[-1]
    first = modes.rates[0] / modes.rates.sum()
    sentences = [
        f"On {modes.points} pairs: condition {condition:.2g} over {len(positive)} "
        f"modes, the first has {first:.0%} of the kernel; half of the error lies in "
        f"the first {half}.",
        "Were the network linear, gradient descent would be stable up to the rate "
        f"{modes.largest_rate:.2g}, and at half of that reach the loss "
        f"{found.goal:.3g} on these pairs in {_count(modes.steps)} steps (gradient "
        f"flow: time {modes.time:.2g}).",
        *moved,
    ]
    if found.limit is not None:
        sentences.append(
            "An ensemble of the dual limit would need gradient flow of time "
            f"{found.limit[1]:.2g}."
        )
    return Section(
        "The empirical kernel: distances in units of it",
        ("", "distance"),
        rows,
        sentences,
    )


def _count(steps: float) -> str:
    return "no number of" if not np.isfinite(steps) else f"{steps:,.0f}"
