"""Characters, those of some alphabets held out, and tasks to tell them apart."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from hyperlimit.data import glyphs, omniglot
from hyperlimit.errors import InputError
from hyperlimit.feature_learning import Tasks
from hyperlimit.studies.few_shot._config import FewShotConfig


class Characters(NamedTuple):
    """Classes of images: characters, each in four orientations.

    Attributes:
        name: of the data set.
        images: p drawings of c classes, light on black in [0, 1], (c, p, d).
        alphabets: of each class.
    """

    name: str
    images: Float[Array, "c p d"]
    alphabets: np.ndarray

    def held_out(self, config: FewShotConfig, run: int) -> Bool[np.ndarray, " c"]:
        """Which classes one run does not learn from."""
        order = np.random.default_rng(config.seed).permutation(
            np.unique(self.alphabets)
        )
        parts = np.array_split(order, config.runs)
        return np.isin(self.alphabets, parts[run])


def characters(config: FewShotConfig) -> Characters:
    """The characters that the settings name.

    Raises:
        InputError: for a folder without Omniglot's archives, or fewer alphabets than
            runs.
    """
    size = (config.side, config.side)
    found = omniglot(config.data, size) if config.data else glyphs(size)
    labels = list(dict.fromkeys(found.labels))
    names = [label.split("/")[0] for label in labels]
    if len(set(names)) < config.runs:
        raise InputError(
            f"{found.name} has {len(set(names))} alphabets for runs={config.runs}, of "
            "which each holds out others: give more of them, or fewer runs."
        )
    upright = found.pixels.reshape(len(labels), -1, *size)
    turned = [np.rot90(upright, turns, axes=(2, 3)) for turns in range(4)]
    images = np.concatenate(turned).reshape(4 * len(labels), -1, config.side**2)
    return Characters(found.name, jnp.asarray(images), np.array(names * 4))


class Draws(NamedTuple):
    """Which images tasks are of: of each of w classes two, by different people."""

    classes: Int[np.ndarray | Array, "*t w"]
    first: Int[np.ndarray | Array, "*t w"]
    second: Int[np.ndarray | Array, "*t w"]


def drawn(
    classes: Int[np.ndarray, " c"],
    people: int,
    ways: int,
    shape: tuple[int, ...],
    generator: np.random.Generator,
) -> Draws:
    """Tasks of different classes, in random order.

    Args:
        classes: to choose from.
        people: how many drew each.
        ways: classes of a task.
        shape: how many tasks.
        generator: of the draws.
    """
    chosen = np.empty((*shape, ways), int)
    for place in range(ways):
        # The number of a class among those that are left.
        number = generator.integers(len(classes) - place, size=shape)
        for taken in np.moveaxis(np.sort(chosen[..., :place]), -1, 0):
            number += number >= taken
        chosen[..., place] = number
    first = generator.integers(people, size=chosen.shape)
    after = generator.integers(1, people, size=chosen.shape)
    return Draws(classes[chosen], first, (first + after) % people)


def tasks_of(images: Float[Array, "c p d"], draws: Draws) -> Tasks:
    """The tasks that were drawn, their classes numbered, (t, w, d)."""
    labels = jnp.broadcast_to(jnp.arange(draws.classes.shape[-1]), draws.classes.shape)
    inputs, new_inputs = (
        images[draws.classes, people].astype(float)
        for people in (draws.first, draws.second)
    )
    return Tasks(inputs, labels, new_inputs, labels)
