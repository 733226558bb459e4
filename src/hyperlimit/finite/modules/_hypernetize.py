"""Any Equinox module as the primary network of a hypernetwork."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, PyTree, Shaped

from hyperlimit.errors import InputError
from hyperlimit.finite._network import FiniteNetwork
from hyperlimit.finite._random_key import check_key
from hyperlimit.finite.heads import AbstractHead
from hyperlimit.finite.heads import head as named_head
from hyperlimit.finite.modules._encoding import cosine_sine
from hyperlimit.finite.modules._leaves import named_leaves, replaced
from hyperlimit.finite.modules._module_hypernetwork import ModuleHypernetwork
from hyperlimit.finite.modules._roles import Gain, generated_parameters
from hyperlimit.finite.modules._selection import Where, selected
from hyperlimit.finite.modules._task_embedding import TaskEmbedding
from hyperlimit.finite.modules._trunk import measured_features, probe_inputs, trunk
from hyperlimit.networks import Network
from hyperlimit.parametrisation import Initialisation
from hyperlimit.parametrisation import initialisation as named_initialisation


def hypernetize(
    module: eqx.Module,
    *,
    where: Where,
    meta: Network | eqx.Module,
    key: PRNGKeyArray | Array | None = None,
    x: Shaped[Array | np.ndarray, "..."] | int | None = None,
    head: str | AbstractHead = "full",
    initialisation: str = "hyperfan_in",
    embedding: TaskEmbedding | None = None,
    gain: Gain = None,
    examples: Float[Array | np.ndarray, "n ..."] | None = None,
) -> ModuleHypernetwork:
    r"""Makes a network write some of the weights of an Equinox module.

    $$h(x, z) = g(z; \theta(x)),\qquad \theta(x) = \theta_0 + H a(x),$$

    for the module g, features a of x and a head H. The leaves that are not chosen stay
    the module's own: trained, and shared by all x. Cost: one generation for each call;
    `batch` generates once for many z.

    Args:
        module: g. Its values count where the initialisation starts from them, and in
            what is not generated. No layers with state, such as BatchNorm.
        where: what is generated. A type (`eqx.nn.Linear`): all floating-point arrays
            inside of such submodules. A path ("layers[0].weight") or the start of
            some ("layers[0]"). A list of these. Or a function that returns leaves or
            submodules, `lambda m: m.layers[-1]`.
        meta: `hl.mlp(...)` without `out`, whose last layer is the head; or a module
            from x to a vector of features, on which the head is built.
        key: a JAX random key.
        x: an example of one x, or its length; not needed with an embedding or where
            the description says `in_size`.
        head: a row of `hl.heads.HEADS`, "full", "per_layer", "chunked" or "low_rank",
            or one with options, `hl.heads.LowRank(rank=8)`.
        initialisation: "hyperfan_in", "hyperfan_out", "ntk", "standard",
            "bias_hyperinit" or "mip".
        embedding: `hl.TaskEmbedding(tasks=5)` to give the number of a task as x.
        gain: the c of the initialisation: one number, or numbers by path. None: 2, as
            before a ReLU, and 1 for the module's last layer, in order of its fields.
        examples: inputs on which the second moment of the features is measured. None:
            Gaussian ones with |x|^2 = d, which is how x should be scaled, or all
            tasks.

    Raises:
        InputError: for a `where` that picks nothing or what is no floating-point
            array, a module with state, sizes that disagree, an unknown head or
            initialisation, or no random key.

    References:
        Ha, Dai and Le, *HyperNetworks*, ICLR 2017; `docs/initialisation.md`.

    Examples:
        >>> import equinox as eqx, jax, jax.numpy as jnp, hyperlimit as hl
        >>> g = eqx.nn.MLP(2, 1, width_size=32, depth=2, key=jax.random.key(0))
        >>> net = hl.hypernetize(
        ...     g, where=eqx.nn.Linear, meta=hl.mlp(depth=2, width=64), x=5,
        ...     key=jax.random.key(1),
        ... )
        >>> print(net(jnp.ones(5), jnp.ones(2)).shape)
        (1,)
        >>> print(type(net.primary(jnp.ones(5))).__name__)
        MLP
    """
    chosen, row = named_head(head), named_initialisation(initialisation)
    random_key = check_key(key)
    _check_module(module)
    if not (embedding is None or isinstance(embedding, TaskEmbedding)):
        raise InputError(
            f"embedding={embedding!r} is no task embedding: give "
            "hl.TaskEmbedding(tasks=...)."
        )
    names = selected(module, where)
    parameters = generated_parameters(module, names, gain)
    keys = jax.random.split(random_key, 4)
    table = None if embedding is None else embedding.draw(keys[0])
    shape = _shape(x, meta, embedding, examples)
    read = (2 * shape[0],) if row.encoded and len(shape) == 1 else shape
    below = trunk(meta, read, row.meta, keys[1])
    if examples is not None:
        seen = jnp.asarray(examples)
    elif table is not None:
        seen = table.values
    else:
        seen = probe_inputs(shape, keys[2])

    def features_of(one: Array) -> Array:
        return below(cosine_sine(one) if row.encoded else one)

    features = measured_features(jax.vmap(features_of)(seen), shape)
    return ModuleHypernetwork(
        trunk=below,
        embedding=table,
        head=chosen.draw(parameters, features, row, keys[3]),
        offsets=_offsets(module, parameters, row),
        own=replaced(module, dict.fromkeys(names)),
        parameters=parameters,
        x_shape=shape,
        encoded=row.encoded,
    )


def _check_module(module: PyTree) -> None:
    if not isinstance(module, eqx.Module) or not callable(module):
        raise InputError(
            f"hypernetize was given a {type(module).__name__}: give an Equinox module "
            "that can be called."
        )
    for kind, why in (
        (eqx.nn.StateIndex, "layers with state, such as BatchNorm: use LayerNorm"),
        (FiniteNetwork, "a network of hyperlimit: describe it with hl.Hypernetwork"),
    ):
        nodes = jax.tree.leaves(module, is_leaf=lambda n, k=kind: isinstance(n, k))
        if any(isinstance(node, kind) for node in nodes):
            raise InputError(f"the module has {why} instead.")


def _shape(
    x: Shaped[Array | np.ndarray, "..."] | int | None,
    meta: Network | eqx.Module,
    embedding: TaskEmbedding | None,
    examples: Float[Array | np.ndarray, "n ..."] | None,
) -> tuple[int, ...]:
    stated = meta.in_size if isinstance(meta, Network) else None
    if embedding is not None:
        if x is not None or examples is not None:
            raise InputError(
                "x is the number of a task where there is an embedding: leave out x "
                "and examples."
            )
        return (embedding.size,)
    if isinstance(x, int):
        if x < 1:
            raise InputError(f"x={x} is no length of an input: give at least 1.")
        shape = (x,)
    elif x is not None:
        shape = jnp.shape(x)
    elif examples is not None:
        shape = examples.shape[1:]
    elif stated is not None:
        shape = (stated,) if isinstance(stated, int) else stated
    else:
        raise InputError(
            "the size of x is not known: give x, an example or its length, or "
            "embedding=hl.TaskEmbedding(tasks=...)."
        )
    if examples is not None and examples.shape[1:] != shape:
        raise InputError(
            f"x has shape {shape} and the examples {examples.shape[1:]}: give (n, d) "
            "examples of the same inputs."
        )
    return shape


def _offsets(
    module: eqx.Module, parameters: tuple, row: Initialisation
) -> dict[str, Array]:
    leaves = named_leaves(module)
    offsets = {}
    for parameter in parameters:
        own = jnp.asarray(leaves[parameter.name])
        if row.starts_from_own(parameter):
            offsets[parameter.name] = own
        elif row.offset == "zero":
            offsets[parameter.name] = jnp.zeros_like(own)
    return offsets
