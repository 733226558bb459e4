"""The loss that is taken where none is given."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from hyperlimit.errors import InputError
from hyperlimit.training._data import Pairs, taken


def squared_error(
    net: PyTree, batch: PyTree, key: PRNGKeyArray | Array
) -> Float[Array, ""]:
    """The mean over all outputs of the square of what they are off by."""
    del key
    outputs, targets = predictions(net, batch), batch[-1]
    # y (n, p) where the outputs are (n, p, 1).
    wrong = outputs.reshape(targets.shape) - targets.astype(outputs.dtype)
    return jnp.mean(wrong**2)


def predictions(net: PyTree, batch: PyTree) -> Float[Array, "n ..."]:
    """The outputs for x (n, ...), or for x and z of `Pairs`: (n, p, ...)."""
    if not isinstance(batch, Pairs):
        return jax.vmap(net)(batch[0])

    def of_x(x: Array, z: Array) -> Array:
        # The primary network of each x is generated once.
        one = net.primary(x) if hasattr(net, "primary") else lambda z: net(x, z)
        return jax.vmap(one)(z)

    return jax.vmap(of_x, (0, 0 if batch.own_points else None))(batch.x, batch.z)


def check_outputs(net: PyTree, data: PyTree) -> None:
    """Sees that the squared error can be taken.

    Raises:
        InputError: if the data are not (x, y) or (x, z, y), or outputs and targets
            do not fit.
    """
    if not (isinstance(data, tuple) and len(data) in (2, 3)):
        raise InputError(
            f"data is a {type(data).__name__}: give (x, y), or (x, z, y) for a "
            "hypernetwork, or a loss(net, batch, key) of your own."
        )
    embedding = getattr(net, "embedding", None)
    if hasattr(embedding, "check"):
        embedding.check(data[0])
    one = taken(data, slice(0, 1))
    try:
        found = eqx.filter_eval_shape(predictions, net, one)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        said = str(error).split("\n")[0].rstrip(".").replace(". ", "; ")
        raise InputError(
            f"the network cannot be called on these data ({said}): give (x, y) to a "
            "network of one input and (x, z, y) to a hypernetwork."
        ) from error
    outputs, targets = getattr(found, "shape", None), one[-1].shape
    if outputs is None or outputs not in (targets, (*targets, 1)):
        said = f"shape {outputs[1:]}" if outputs else f"a {type(found).__name__}"
        raise InputError(
            f"the network gives {said} for one x and the targets have {targets[1:]}: "
            "give targets of that shape, or a loss(net, batch, key) of your own."
        )
