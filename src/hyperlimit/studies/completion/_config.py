"""What a completion run is asked to do."""

import dataclasses
from dataclasses import dataclass

from hyperlimit.activations import activation
from hyperlimit.errors import InputError
from hyperlimit.layers import (
    AbstractLayer,
    Convolution,
    Dense,
    Elementwise,
    Flatten,
    FourierFeatures,
    Images,
    LayerNorm,
)
from hyperlimit.networks import Hypernetwork, Network, mlp

META_NETWORKS = ("dense", "conv")


@dataclass(frozen=True)
class CompletionConfig:
    """Settings of a completion run; everything that a result depends on.

    The meta-network reads the observed pixels of an image, the primary network a
    pixel's coordinates in pixels, through Fourier features of a bandwidth. A "conv"
    meta-network has `meta_depth - 1` convolutions of 3x3, all but the first with
    stride 2, and reads which pixels are seen as one more channel.
    """

    data: str = "digits"
    size: tuple[int, int] | None = None
    train: int = 500
    test: int = 100
    observe: str = "top-half"
    targets: str = "all"
    # Whether the pixels that the meta-network sees of a training image are targets.
    seen_targets: bool = False
    # Whether the seen pixels of a new image also condition its completion, where the
    # solver can: with incomplete targets of up to 12,000 known values.
    own_pixels: bool = True
    kernel: str = "ntk"
    # "dense" reads the seen pixels as a vector, "conv" as an image.
    meta: str = "dense"
    meta_depth: int = 4
    primary_depth: int = 3
    activation: str = "relu"
    bandwidth: float | None = None
    ridge: float = 1e-3
    seed: int = 0
    precision: str = "float32"
    # Finite networks of the same spec, for the comparison.
    meta_width: int = 256
    conv_channels: int = 16
    primary_width: int = 64
    frequencies: int = 32
    finite_steps: int = 1000

    def __post_init__(self):
        for name in ("meta_depth", "primary_depth", "train", "test", "finite_steps"):
            if getattr(self, name) < 1:
                option = "--" + name.replace("_", "-")
                raise InputError(
                    f"{option} {getattr(self, name)} was given: give at least 1."
                )
        if self.precision not in ("float32", "float64"):
            raise InputError(
                f"--precision {self.precision} was given: give float32 or float64."
            )
        if self.kernel not in ("ntk", "nngp"):
            raise InputError(f"--kernel {self.kernel} was given: give ntk or nngp.")
        if self.meta not in META_NETWORKS:
            raise InputError(
                f"--meta {self.meta} was given: give {' or '.join(META_NETWORKS)}."
            )
        if self.seed < 0:
            raise InputError(f"--seed {self.seed} was given: give 0 or more.")

    def spec(self, shape: tuple[int, int, int]) -> Hypernetwork:
        """The hypernetwork for images of (height, width, channels)."""
        height, width, channels = shape
        return Hypernetwork(
            meta=self._meta(shape),
            primary=mlp(
                depth=self.primary_depth,
                width=self.primary_width,
                activation=self.activation,
                out=channels,
                in_size=2,
                inputs=FourierFeatures(
                    bandwidth=self.bandwidth_for((height, width)),
                    count=self.frequencies,
                ),
            ),
        )

    def _meta(self, shape: tuple[int, int, int]) -> Network:
        height, width, channels = shape
        if self.meta == "dense":
            return mlp(
                depth=self.meta_depth,
                width=self.meta_width,
                activation=self.activation,
                in_size=height * width * channels,
            )
        between = Elementwise(activation(self.activation))
        layers: list[AbstractLayer] = []
        for level in range(self.meta_depth - 1):
            stride = 1 if level == 0 else 2
            layers += [Convolution(self.conv_channels, stride=stride), between]
        # The norm makes K_f(x, x) one for every image, as |x|^2 = d does above.
        layers += [Flatten(), LayerNorm(centre=False, epsilon=1e-9), Dense(None)]
        return Network(tuple(layers), Images(), (height, width, channels + 1))

    def bandwidth_for(self, size: tuple[int, int]) -> float:
        """The given bandwidth in pixels, or a tenth of the longer side."""
        return max(size) / 10 if self.bandwidth is None else self.bandwidth

    def as_dict(self) -> dict[str, object]:
        """Plain data, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, given: dict[str, object]) -> "CompletionConfig":
        """The inverse of `as_dict`.

        Raises:
            InputError: for settings that this version does not know.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(given) - known)
        if unknown:
            raise InputError(
                f"the settings {', '.join(unknown)} are not known to this version: "
                "use the version that wrote them."
            )
        size = given.get("size")
        if isinstance(size, list):
            given = {**given, "size": (int(size[0]), int(size[1]))}
        return cls(**given)  # ty: ignore[invalid-argument-type]
