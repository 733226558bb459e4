"""Adaptation: a generated low-rank update of a frozen network.

A multilayer perceptron is trained on even digits and odd digits being told apart, and
then frozen. A hypernetwork adapts it to other questions about the digits by adding
U(x) V(x)^T to its weight matrices, U and V of rank 2, written from a learned vector of
the question, with U = 0 at birth (Hu et al., *LoRA*, ICLR 2022).

    python examples/lora.py
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

import hyperlimit as hl

QUESTIONS = {
    "more than 4": lambda digit: digit > 4,
    "a prime": lambda digit: (digit == 2) | (digit == 3) | (digit == 5) | (digit == 7),
    "round": lambda digit: (digit == 0) | (digit == 6) | (digit == 8) | (digit == 9),
}


def data(count):
    """Images (count, 64) with |z|^2 about 64, and digits (count,)."""
    digits = load_digits()
    z = digits.data[:count]
    z = (z - z.mean(0)) / z.std()
    return jnp.asarray(z, float), jnp.asarray(digits.target[:count])


def fit(model, trained, loss, steps, rate):
    """Trains the arrays for which `trained` says so; the model and all losses."""
    values, rest = eqx.partition(model, trained)
    optimiser = optax.adam(rate)

    @eqx.filter_jit
    def step(values, state):
        value, gradient = eqx.filter_value_and_grad(
            lambda values: loss(eqx.combine(values, rest))
        )(values)
        updates, state = optimiser.update(gradient, state)
        return eqx.apply_updates(values, updates), state, value

    state, losses = optimiser.init(values), []
    for _ in range(steps):
        values, state, value = step(values, state)
        losses.append(float(value))
    return eqx.combine(values, rest), losses


def main(steps=150, count=800):
    """Trains, freezes and adapts; returns the losses of the adaptation."""
    z, digits = data(count)
    half = count // 2

    def error(outputs, answers):
        return jnp.mean(optax.sigmoid_binary_cross_entropy(outputs, answers))

    odd = (digits % 2).astype(z.dtype)
    model = eqx.nn.MLP(64, "scalar", 64, 2, key=jax.random.key(0))
    frozen, _ = fit(
        model,
        eqx.is_inexact_array,
        lambda m: error(jax.vmap(m)(z[:half]), odd[:half]),
        steps,
        1e-3,
    )

    answers = jnp.stack([ask(digits) for ask in QUESTIONS.values()]).astype(z.dtype)
    tasks = jnp.arange(len(QUESTIONS))
    net = hl.hypernetize(
        frozen,
        where=[f"layers[{index}].weight" for index in range(3)],
        meta=hl.mlp(depth=1, width=1),
        embedding=hl.TaskEmbedding(tasks=len(QUESTIONS), size=8),
        head=hl.heads.LowRank(rank=2),
        # Offsets at the frozen weights, and updates that start at zero.
        initialisation="bias_hyperinit",
        key=jax.random.key(1),
    )
    # Of the whole, only the head and the questions' vectors are trained.
    nothing = jax.tree.map(lambda _: False, net)
    trained = eqx.tree_at(
        lambda n: (n.head, n.embedding),
        nothing,
        jax.tree.map(eqx.is_inexact_array, (net.head, net.embedding)),
    )
    adapted, losses = fit(
        net,
        trained,
        lambda n: error(n.batch(tasks, z[:half]), answers[:, :half]),
        steps,
        1e-2,
    )

    def right(outputs):
        return float(jnp.mean((outputs > 0) == (answers[:, half:] > 0)))

    before = right(jnp.broadcast_to(jax.vmap(frozen)(z[half:]), (3, count - half)))
    after = right(adapted.batch(tasks, z[half:]))
    print(
        f"{len(QUESTIONS)} questions about held-out digits, after {steps} steps: "
        f"{after:.1%} right with generated updates of rank 2, {before:.1%} with the "
        "frozen network as it is"
    )
    return losses


if __name__ == "__main__":
    main()
