"""Why a hypernetwork does not train, and what to change."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, ArrayLike, PRNGKeyArray, PyTree

from hyperlimit.diagnosis import _advice
from hyperlimit.diagnosis._advice import VARYING
from hyperlimit.diagnosis._corrected import Corrected, corrected
from hyperlimit.diagnosis._diagnosis import Diagnosis
from hyperlimit.diagnosis._draws import drawing, widened
from hyperlimit.diagnosis._kernel import change, kernel, spectrum, spread
from hyperlimit.diagnosis._limit import against_limit
from hyperlimit.diagnosis._problem import Loss, Problem, half_mean_square, problem
from hyperlimit.diagnosis._scales import Scales, scales
from hyperlimit.diagnosis._trials import (
    Optimiser,
    Step,
    Trial,
    best_trial,
    first_step,
    predict,
    trial,
)
from hyperlimit.errors import InputError
from hyperlimit.networks import Hypernetwork

# What is measured on: x and points of each for sizes, and for kernels.
_SIZES, _KERNELS = (32, 32), (16, 8)
# Rates that are tried, in units of the one at which a first step covers the error.
_TRIED = (1 / 3, 1.0, 3.0)
# A change must lower the loss of a short training by this factor to be advised.
WORTH = 0.95
SIZES, SHARING, BOTH = "sizes corrected", "weights shared", "both"


def diagnose(
    net: Hypernetwork | Callable[..., Array],
    data: tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    learning_rate: float = 1e-3,
    optimiser: Optimiser = optax.adam,
    loss: Loss | None = None,
    steps: int = 100,
    draw: Callable[[Array], Callable[..., Array]] | None = None,
    draws: int = 6,
    trained: PyTree = eqx.is_inexact_array,
    key: PRNGKeyArray | Array | None = None,
) -> Diagnosis:
    r"""Says why a hypernetwork does not train, and what to change first.

    On a part of the data: the sizes of weights, activations and gradients layer by
    layer; the empirical NTK, its spectrum, its drift in real training steps and its
    deviation over draws of the network; the Taylor terms of the optimiser's first step;
    short trainings with and without what is advised. Every piece of advice has its
    number.

    Args:
        net: a network of `hl.init` or `hl.hypernetize`, any Equinox module with
            `net.primary(x)(z)`, or a description, of which one is drawn.
        data: x (b, ...), z (p, ...) for all x or (b, p, ...), y (b, p) or (b, p, k).
        learning_rate: the one in use.
        optimiser: a learning rate to an Optax optimiser.
        loss: outputs (b, p, k) and targets to a scalar. None: half the mean square.
        steps: of each short training, on 32 x and 64 points of each.
        draw: a random key to a fresh network like `net`, for what differs between
            draws; not needed for what `hl.init` has made.
        draws: how many; 0 for none.
        trained: an Equinox filter that says which arrays are trained.
        key: a JAX random key. None: 0.

    Cost: some ten compilations of the network and its gradient, a few seconds each,
    and 16 times `steps` training steps at most.

    Raises:
        InputError: for data that do not fit, numbers that are not finite, a network
            without `primary`, or counts and rates out of range.

    Examples:
        >>> import jax, jax.numpy as jnp, hyperlimit as hl
        >>> spec = hl.Hypernetwork(
        ...     hl.mlp(depth=2, width=16), hl.mlp(depth=2, width=8, out=1)
        ... )
        >>> x, z = jax.random.normal(jax.random.key(0), (9, 3)), jnp.eye(4)
        >>> data = (10 * x, z, x @ jnp.ones((3, 4)))
        >>> found = hl.diagnose(spec, data, steps=3, draws=0)
        >>> print(found.advice[0].about)
        inputs
    """
    if not (isinstance(learning_rate, int | float) and 0 < learning_rate < np.inf):
        raise InputError(
            f"learning_rate={learning_rate!r} was given: give one above 0."
        )
    if steps < 1 or draws < 0 or draws == 1:
        raise InputError(
            f"steps={steps} and draws={draws} were given: give at least 1 step, and no "
            "draws or at least 2."
        )
    whole, measure = problem(data), half_mean_square if loss is None else loss
    keys = jax.random.split(jax.random.key(0) if key is None else key, 5)
    net, source = drawing(net, draw, whole, keys[0])
    part = whole.part(*_SIZES, keys[1])
    small = part.part(*_KERNELS, keys[2])
    found = scales(net, trained, part, measure)
    _check_targets(net, part, loss)
    settings = (trained, whole, measure, optimiser)
    given = trial(net, *settings, learning_rate, steps, keys[4])
    step = first_step(net, trained, part, measure, optimiser)
    alone = [given, *(trial(net, *settings, r, steps, keys[4]) for r in _rates(step))]
    tried: dict[str, list[Trial]] = {}
    candidates = _candidates(net, trained, part, found, keys[3])
    for what, mended in candidates.items():
        after = first_step(mended.net, trained, part, measure, optimiser)
        tried[what] = [
            trial(mended.net, *settings, rate, steps, keys[4])
            for rate in (learning_rate, *_rates(after))
        ]
    what = min(tried, key=lambda name: best_trial(tried[name]).end)
    mended = candidates[what]
    changed = best_trial(tried[what]).end < WORTH * best_trial(alone).end
    chosen = tried[what] if changed else alone
    best = best_trial(chosen)
    # Another rate alone must be worth it, too.
    if not changed and best.end >= WORTH * given.end:
        best = given
    constant = jnp.mean(whole.y, axis=(0, 1), keepdims=True)
    baseline = float(measure(jnp.broadcast_to(constant, whole.y.shape), whole.y))
    before = kernel(net, trained, small)
    modes = spectrum(before, net, small, baseline / 2)
    spreads, limit = {}, None
    if source is not None and draws:
        them = list(jax.random.split(keys[0], draws))
        spreads["now"], mean = spread(source.draw, them, trained, small)
        for name, other in widened(source):
            spreads[name], _ = spread(other, them, trained, small)
        if source.spec is not None:
            limit = against_limit(source.spec, mean, small, baseline / 2)
    advice = _advice.on_inputs(found)
    first = _advice.on_rate(
        learning_rate,
        best.rate,
        {one.rate: one.end for one in chosen},
        "with the changes of initialisation" if changed else "",
    )
    changes = []
    if changed and what != SHARING:
        changes += _advice.on_sizes(found, mended.missed)
    if changed and what != SIZES:
        changes += _advice.on_sharing(found, mended.shared)
    # What explains most of the gain comes first.
    rate_first = changed and given.end * best.end > best_trial(alone).end ** 2
    advice += [*first, *changes] if rate_first else [*changes, *first]
    advice += _advice.on_width(spreads)
    advice += _advice.on_conditioning(list(modes.shares), list(modes.rates))
    return Diagnosis(
        name=type(net).__name__,
        scales=found,
        advice=tuple(advice),
        network=mended.net if changed else net,
        learning_rate=best.rate,
        given=given,
        alone=tuple(alone),
        tried={name: tuple(trials) for name, trials in tried.items()},
        changed=changed,
        step=step,
        spectrum=modes,
        goal=baseline / 2,
        baseline=baseline,
        drift=change(before, kernel(given.net, trained, small)),
        spreads=spreads,
        limit=limit,
    )


def _candidates(
    net: PyTree, trained: PyTree, data: Problem, found: Scales, key: Array
) -> dict[str, Corrected]:
    """Networks with sizes corrected, with weights shared, and with both."""

    def made(found: Scales, varying: float) -> Corrected:
        return corrected(net, trained, data, found, varying=varying, key=key)

    both = made(found, VARYING)
    unsized = found._replace(meta_factors={}, primary_factors={})
    if not both.shared:
        return {SIZES: both}
    if not (found.meta_factors or found.primary_factors):
        return {SHARING: both}
    return {SIZES: made(found, 1.0), SHARING: made(unsized, VARYING), BOTH: both}


def _check_targets(net: PyTree, data: Problem, loss: Loss | None) -> None:
    """Raises an InputError where outputs do not meet targets one by one."""
    found = eqx.filter_eval_shape(predict, net, data).shape
    if loss is None and found != data.y.shape:
        raise InputError(
            f"the network gives {found[2]} numbers for each pair and y has shape "
            f"{data.y.shape} on the part that is looked at: give y (b, p, {found[2]}), "
            "or a loss."
        )


def _rates(step: Step) -> tuple[float, ...]:
    """Rates to try, about the one at which a first step covers the error."""
    return tuple(factor * step.covering for factor in _TRIED)
