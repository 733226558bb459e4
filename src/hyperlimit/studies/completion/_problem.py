"""Images as a regression problem on pairs (observed part, coordinate)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hyperlimit.data import Images, load, observation_mask, target_mask
from hyperlimit.studies.completion._config import CompletionConfig

Floats = NDArray[np.float32]

# A pixel that never varies in training may still vary a little.
_LEAST_DEVIATION = 0.05


@dataclass(frozen=True, eq=False)
class CompletionProblem:
    """Training and test images, what is seen of them, and what is known.

    Attributes:
        observed: the pixels that the meta-network sees, (h, w).
        known: the target pixels known of each training image, (n, h, w), and those
            that the meta-network sees if the settings say so.
        centre: what is subtracted from targets, (p, c): the mean image where targets
            are complete, one mean colour where they are not.
        scale: what targets are divided by then, (p, c): where they are complete the
            standard deviation at each pixel, with 0.05 added in quadrature; else 1.
            Error bars are then as wide as each pixel varies.
    """

    config: CompletionConfig
    train: Images
    test: Images
    observed: NDArray[np.bool_]
    known: NDArray[np.bool_]
    centre: Floats
    scale: Floats

    @property
    def coordinates(self) -> Floats:
        """Pixel coordinates (row, column), (p, 2), in pixels."""
        return pixel_coordinates(self.train.shape[:2])

    @property
    def standardised(self) -> Floats:
        """The targets of the regression, (n, p, c)."""
        return self.standard_units(self.train)

    def standard_units(self, images: Images) -> Floats:
        """Images as the regression's targets are, (n, p, c)."""
        return (self.flat(images) - self.centre) / self.scale

    @property
    def hidden(self) -> NDArray[np.bool_]:
        """The pixels that the meta-network does not see, flat: (p,)."""
        return ~self.observed.ravel()

    @property
    def complete(self) -> bool:
        """Whether every target pixel is known."""
        return bool(self.known.all())

    def seen(self, images: Images) -> Floats:
        """What the meta-network reads of each image: (n, p c) or (n, h, w, c + 1)."""
        return meta_inputs(self.config.meta, images.pixels, self.observed, self.levels)

    @property
    def levels(self) -> Floats:
        """Mean and standard deviation of the seen pixels of training images, (2,)."""
        seen = self.train.pixels[:, self.observed]
        return np.array([seen.mean(), np.hypot(seen.std(), 1e-3)], np.float32)

    def flat(self, images: Images) -> Floats:
        """Images as (n, p, c)."""
        n, height, width, channels = images.pixels.shape
        return images.pixels.reshape(n, height * width, channels)


def completion_problem(config: CompletionConfig) -> CompletionProblem:
    """Loads, shuffles and masks the data of a run.

    Raises:
        InputError: for data, masks or counts that do not fit.
    """
    images = load(config.data, config.size)
    train, test = images.split(config.train, config.test, config.seed)
    shape = images.shape[:2]
    observed = observation_mask(config.observe, shape, config.seed)
    known = target_mask(config.targets, train.n, shape, config.seed)
    if config.seen_targets:
        known = known | observed
    flat = train.pixels.reshape(train.n, -1, train.shape[2])
    if known.all():
        centre = flat.mean(axis=0)
        scale = np.hypot(flat.std(axis=0), _LEAST_DEVIATION)
    else:
        colour = flat[known.reshape(train.n, -1)].mean(axis=0)
        centre = np.broadcast_to(colour, flat.shape[1:])
        scale = np.ones_like(centre)
    centre, scale = (np.asarray(part, np.float32) for part in (centre, scale))
    return CompletionProblem(config, train, test, observed, known, centre, scale)


def meta_inputs(
    meta: str, pixels: Floats, observed: NDArray[np.bool_], levels: Floats
) -> Floats:
    """What a meta-network reads of images: (n, p c) if dense, (n, h, w, c + 1) if conv.

    A dense one reads directions of the seen part. A convolutional one reads pixels
    standardised by their levels, (mean, standard deviation), zero where they are not
    seen, and which are seen: without that its images would be alike in brightness
    first, and all error bars too narrow.
    """
    if meta == "dense":
        return seen_part(pixels, observed)
    mask = np.broadcast_to(observed[None, :, :, None], (*pixels.shape[:3], 1))
    standard = np.where(mask, (pixels - levels[0]) / levels[1], 0)
    return np.concatenate([standard, mask], axis=3).astype(np.float32)


def seen_part(pixels: Floats, observed: NDArray[np.bool_]) -> Floats:
    """Pixels with the unseen ones black, (n, p c), rescaled to |x|^2 = p c.

    The meta-network reads directions, and a part that is black throughout has none:
    uniform grey on what is seen stands for it.
    """
    masked = np.where(observed[None, :, :, None], pixels, 0)
    blank = ~masked.any(axis=(1, 2, 3))
    masked[blank] = observed[None, :, :, None]
    flat = masked.reshape(len(masked), -1).astype(np.float64)
    flat *= flat.shape[1] ** 0.5 / np.linalg.norm(flat, axis=1, keepdims=True)
    return flat.astype(np.float32)


def pixel_coordinates(shape: tuple[int, int]) -> Floats:
    """Coordinates (row, column) of every pixel, row by row, (p, 2)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.stack([rows.ravel(), columns.ravel()], axis=1).astype(np.float32)
