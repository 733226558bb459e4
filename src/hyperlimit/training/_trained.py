"""Which arrays of a network are trained."""

import equinox as eqx
import jax
from jaxtyping import PyTree

from hyperlimit.errors import InputError
from hyperlimit.finite import FiniteHypernetwork, FiniteNetwork, ModuleHypernetwork

# Random numbers of input features, which no loss has a gradient in: an optimiser that
# lets weights decay would change them.
_FIXED = (".fixed", ".meta.fixed", ".trunk.fixed")


def parted(net: PyTree, trained: PyTree | None) -> tuple[PyTree, PyTree]:
    """What is trained, and the rest.

    Raises:
        InputError: if nothing is, or the filter does not fit the network.
    """
    wanted = _default(net) if trained is None else trained
    try:
        chosen, frozen = eqx.partition(net, wanted)
    except (TypeError, ValueError) as error:
        raise InputError(
            "trained does not fit the network: give a function of a leaf, or a tree "
            "of True and False like the network, as equinox.partition takes it."
        ) from error
    arrays, others = eqx.partition(chosen, eqx.is_inexact_array)
    if not jax.tree.leaves(arrays):
        raise InputError(
            f"a {type(net).__name__} has no array to train: give a network that has "
            "been initialised, by hl.init with an example of its inputs, and a filter "
            "that leaves some of it."
        )
    return arrays, eqx.combine(others, frozen)


def _default(net: PyTree) -> PyTree:
    if not isinstance(net, FiniteNetwork | FiniteHypernetwork | ModuleHypernetwork):
        return eqx.is_inexact_array
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: jax.tree_util.keystr(path) not in _FIXED, net
    )
