"""A residual branch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import final

from jaxtyping import Array, Float

from hyperlimit.errors import InputError
from hyperlimit.layers._base import AbstractLayer, Size, Sources, advance
from hyperlimit.layers._kernel_state import KernelState
from hyperlimit.layers._spatial_state import SpatialState
from hyperlimit.parametrisation import Parameter


@final
@dataclass(frozen=True)
class Residual(AbstractLayer):
    r"""$y = S(q) + B(q)$: layers in a row beside a shortcut.

    The branch ends in a layer of random weights of mean zero, so that it is
    uncorrelated with the shortcut, and both kernels add:

    $$K \to K_S + K_B,\qquad T \to T_S + T_B.$$

    Args:
        branch: the layers of $B$, the last one `Dense`, `LowRank` or `Convolution`.
            Without a width it takes the size of the shortcut.
        shortcut: the layers of $S$; the identity by default.

    Raises:
        InputError: for an empty branch, or one that ends in another layer; on use, for
            two parts of different sizes.

    References:
        Yang and Schoenholz, *Mean Field Residual Networks*, NIPS 2017, for the sum;
        Novak et al., *Neural Tangents*, ICLR 2020 (`FanInSum`).
    """

    branch: tuple[AbstractLayer, ...]
    shortcut: tuple[AbstractLayer, ...] = ()

    def __post_init__(self):
        if not self.branch:
            raise InputError("a residual branch of no layers was given: give some.")
        last = self.branch[-1]
        if not last.gaussian(incoming=False):
            raise InputError(
                f"a residual branch ends in {last!r}, whose outputs need not be "
                "uncorrelated with the shortcut: end it in Dense or Convolution."
            )

    @property
    def homogeneous(self) -> bool:
        """Whether scaling the input scales the output: if every layer does."""
        return all(layer.homogeneous for _, layer in self._named())

    def gaussian(self, incoming: bool) -> bool:
        """Whether the outputs are Gaussian: if those of the shortcut are."""
        for layer in self.shortcut:
            incoming = layer.gaussian(incoming)
        return incoming

    def out_size(self, in_size: Size) -> Size:
        """The size of the outputs: of the shortcut, and of the branch."""
        size = in_size
        for layer in self.shortcut:
            size = layer.out_size(size)
        found = in_size
        for layer in self._sized(size):
            found = layer.out_size(found)
        if found != size:
            raise InputError(
                f"a residual branch gives {found} and its shortcut {size}: give the "
                "branch's last layer that width, or shortcut=(Dense(...),)."
            )
        return size

    def parameters(self, in_size: Size) -> tuple[Parameter, ...]:
        """The arrays of all layers, named branch.0.weight and so on."""
        found = []
        for part, layers in self._parts(self.out_size(in_size)).items():
            size = in_size
            for index, layer in enumerate(layers):
                found += [
                    replace(parameter, name=f"{part}.{index}.{parameter.name}")
                    for parameter in layer.parameters(size)
                ]
                size = layer.out_size(size)
        return tuple(found)

    def generated(self) -> Mapping[str, bool | None]:
        """For each name: generated, or the layer's own; None leaves it to the role."""
        return {
            f"{prefix}.{name}": answer
            for prefix, layer in self._named()
            for name, answer in layer.generated().items()
        }

    def apply(
        self, values: Mapping[str, Array], inputs: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """The finite map on one input."""
        shortcut = branch = inputs
        for index, layer in enumerate(self.shortcut):
            shortcut = layer.apply(_below(values, f"shortcut.{index}."), shortcut)
        for index, layer in enumerate(self._parts(shortcut.shape)["branch"]):
            branch = layer.apply(_below(values, f"branch.{index}."), branch)
        return shortcut + branch

    def apply_columns(
        self, values: Mapping[str, Array], columns: Float[Array, "d p"]
    ) -> Float[Array, "k p"]:
        """The finite map on many vectors, layer by layer."""
        shortcut = branch = columns
        for index, layer in enumerate(self.shortcut):
            below = _below(values, f"shortcut.{index}.")
            shortcut = layer.apply_columns(below, shortcut)
        for index, layer in enumerate(self._parts(len(shortcut))["branch"]):
            below = _below(values, f"branch.{index}.")
            branch = layer.apply_columns(below, branch)
        return shortcut + branch

    def limit(self, state: KernelState, sources: Sources) -> KernelState:
        """The recursion at infinite width."""
        shortcut, branch = self._both(state, sources)
        assert isinstance(shortcut, KernelState)
        assert isinstance(branch, KernelState)
        return shortcut.plus(branch)

    def spatial_limit(
        self, state: SpatialState, sources: Sources
    ) -> SpatialState | KernelState:
        """The same where what goes through are images."""
        shortcut, branch = self._both(state, sources)
        if isinstance(shortcut, SpatialState) and isinstance(branch, SpatialState):
            return shortcut.plus(branch)
        if isinstance(shortcut, KernelState) and isinstance(branch, KernelState):
            return shortcut.plus(branch)
        raise InputError(
            "one part of a residual layer gives images and the other vectors: put "
            "Flatten() in both, or after the layer."
        )

    def _both(self, state: KernelState | SpatialState, sources: Sources):
        shortcut = branch = state
        for index, layer in enumerate(self.shortcut):
            below = _below(sources, f"shortcut.{index}.")
            shortcut = advance(layer, shortcut, below)
        for index, layer in enumerate(self.branch):
            branch = advance(layer, branch, _below(sources, f"branch.{index}."))
        return shortcut, branch

    def _parts(self, size) -> dict[str, tuple[AbstractLayer, ...]]:
        return {"shortcut": self.shortcut, "branch": self._sized(size)}

    def _sized(self, size: Size | tuple[int, ...]) -> tuple[AbstractLayer, ...]:
        """The branch, with the width of its last layer filled in."""
        last = self.branch[-1]
        if getattr(last, "width", 0) is not None:
            return self.branch
        width = size if isinstance(size, int) else size[-1]
        return (*self.branch[:-1], replace(last, width=width))  # ty: ignore[invalid-argument-type]

    def _named(self) -> list[tuple[str, AbstractLayer]]:
        parts = (("shortcut", self.shortcut), ("branch", self.branch))
        return [
            (f"{part}.{index}", layer)
            for part, layers in parts
            for index, layer in enumerate(layers)
        ]


def layers_inside(layers: tuple[AbstractLayer, ...]) -> Iterator[AbstractLayer]:
    """All layers, those of residual branches among them."""
    for layer in layers:
        yield layer
        if isinstance(layer, Residual):
            yield from layers_inside(layer.shortcut + layer.branch)


def _below(given: Mapping, prefix: str) -> dict:
    return {
        name.removeprefix(prefix): value
        for name, value in given.items()
        if name.startswith(prefix)
    }
