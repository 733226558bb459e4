"""What is found out about a hypernetwork's training."""

from dataclasses import dataclass, field
from typing import final

from jaxtyping import PyTree
from matplotlib.figure import Figure
from rich.console import Console

from hyperlimit.diagnosis._advice import Advice
from hyperlimit.diagnosis._kernel import Spectrum
from hyperlimit.diagnosis._page import page
from hyperlimit.diagnosis._report import sections
from hyperlimit.diagnosis._scales import Scales
from hyperlimit.diagnosis._terminal import as_text, print_sections
from hyperlimit.diagnosis._trials import Step, Trial, best_trial
from hyperlimit.plotting import diagnosis_figure


@final
@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What `diagnose` finds; `print` shows it.

    Attributes:
        scales: sizes, layer by layer.
        advice: what to change, first to last.
        network: with the advice about initialisation and sharing followed.
        learning_rate: the best of those tried for it.
        given: the short training as things are, at the rate that was given.
        alone: short trainings as things are, one a rate.
        tried: short trainings of changed networks, one a rate: with "sizes corrected",
            with "weights shared" and "both", where they are different networks.
        changed: whether the best of them is part of the advice: it trains better by a
            twentieth than another rate alone.
        step: the Taylor terms of the optimiser's first step, as things are.
        spectrum: the kernel's modes, and the time to `goal` if it stayed as it is.
        goal: the loss that is half of the best constant's.
        baseline: the best constant's loss.
        drift: how far the kernel moved in the short training, in units of itself.
        spreads: the kernel's deviation over draws: "now", and at other widths.
        limit: distance of the mean kernel from the dual limit's, and the limit's time
            to the goal; None without a description.
    """

    name: str
    scales: Scales
    advice: tuple[Advice, ...]
    network: PyTree = field(repr=False)
    learning_rate: float
    given: Trial = field(repr=False)
    alone: tuple[Trial, ...] = field(repr=False)
    tried: dict[str, tuple[Trial, ...]] = field(repr=False)
    changed: bool
    step: Step
    spectrum: Spectrum = field(repr=False)
    goal: float
    baseline: float
    drift: float
    spreads: dict[str, float]
    limit: tuple[float, float] | None

    @property
    def best(self) -> Trial:
        """The training with the advice followed."""
        if self.changed:
            return min(map(best_trial, self.tried.values()), key=lambda one: one.end)
        return next(one for one in self.alone if one.rate == self.learning_rate)

    def __str__(self) -> str:
        return as_text(self.name, sections(self))

    def show(self, console: Console) -> None:
        """Prints the report with headings in bold."""
        print_sections(console, self.name, sections(self))

    def figure(self) -> Figure:
        """Sizes, short trainings, spectrum and distances, as four panels."""
        rows = self.scales.layers
        trainings = {f"as it is, rate {self.given.rate:.2g}": self.given.losses}
        if self.best is not self.given:
            trainings[f"advice followed, rate {self.best.rate:.2g}"] = self.best.losses
        distances = {"drift in training": self.drift} | {
            f"between draws, {name}": value for name, value in self.spreads.items()
        }
        if self.limit is not None:
            distances["mean from the dual limit"] = self.limit[0]
        return diagnosis_figure(
            layers=[(f"{r.network}: {r.name}", r.outputs, r.target) for r in rows],
            trainings=trainings,
            baseline=self.baseline,
            rates=self.spectrum.rates,
            shares=self.spectrum.shares,
            distances=distances,
        )

    def html(self) -> str:
        """The report as one self-contained HTML page."""
        return page(self.name, sections(self), self.figure())
