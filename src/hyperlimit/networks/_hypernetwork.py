"""The description of a hypernetwork."""

from dataclasses import dataclass
from typing import final

from hyperlimit.errors import InputError
from hyperlimit.layers import Dense, Size
from hyperlimit.networks._network import Network
from hyperlimit.parametrisation import Parameter


@final
@dataclass(frozen=True)
class Hypernetwork:
    r"""$h(x, z) = g(z; f(x))$: a meta-network $f$ writes weights of a primary $g$.

    A description: it has no values, and is read as a finite network by `init` and as
    kernels by `dual_limit`. By default every parameter of the primary network is
    generated; its layers may keep parameters of their own.

    Raises:
        InputError: if no parameter of the primary network is generated, the
            meta-network is told to have generated ones, or says how many outputs
            it has.

    References:
        Littwin, Galanti, Wolf and Yang, *On Infinite-Width Hypernetworks*, NeurIPS
        2020.

    Examples:
        >>> from hyperlimit.networks import mlp
        >>> spec = Hypernetwork(
        ...     meta=mlp(depth=3, width=512),
        ...     primary=mlp(depth=2, width=64, out=1),
        ... )
        >>> sum(parameter.size for parameter in spec.generated_parameters(2))
        192
    """

    meta: Network
    primary: Network

    def __post_init__(self):
        last = self.meta.layers[-1]
        if isinstance(last, Dense) and last.width is not None:
            raise InputError(
                f"the meta-network ends in {last!r}, and has as many outputs as there "
                "are weights to generate: leave out= out of its mlp, or end it in "
                "Dense(None)."
            )
        for layer in self.meta.layers:
            if any(layer.generated().values()):
                raise InputError(
                    f"the meta-network's layer {layer!r} asks for generated "
                    "parameters: only layers of the primary network can."
                )
        if not any(
            answer is not False
            for layer in self.primary.layers
            for answer in layer.generated().values()
        ):
            raise InputError(
                "every parameter of the primary network is its own, so nothing is "
                "left to generate: set weights_generated=True for a layer."
            )

    @staticmethod
    def is_generated(answer: bool | None) -> bool:
        """In a primary network, what is left open is generated."""
        return answer is not False

    def generated_parameters(self, z_size: Size) -> tuple[Parameter, ...]:
        """The arrays that the meta-network writes, in the order of its outputs."""
        return tuple(
            parameter
            for layer, parameters in zip(
                self.primary.layers, self.primary.parameters(z_size), strict=True
            )
            for parameter in parameters
            if self.is_generated(layer.generated()[parameter.name])
        )
