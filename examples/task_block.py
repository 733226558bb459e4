"""Tasks: a convolutional classifier of which only the last block is generated.

Five tasks: handwritten digits turned by 0, 45, 90, 135 and 180 degrees. The first
layers of the classifier are shared by all tasks; a hypernetwork writes its last block
from a learned vector of the task. Half of the digits are held out.

    python examples/task_block.py
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.ndimage import rotate
from sklearn.datasets import load_digits

import hyperlimit as hl

ANGLES = (0, 45, 90, 135, 180)


class Classifier(eqx.Module):
    """A convolution shared by all tasks, and a last block of one and a linear layer."""

    first: eqx.nn.Conv2d
    pool: eqx.nn.AvgPool2d
    last: eqx.nn.Sequential
    activation: Callable

    def __init__(self, key):
        one, two, three = jax.random.split(key, 3)
        self.activation = jax.nn.relu
        self.pool = eqx.nn.AvgPool2d(2, 2)
        self.first = eqx.nn.Conv2d(1, 8, 3, padding=1, key=one)
        self.last = eqx.nn.Sequential(
            [
                eqx.nn.Conv2d(8, 8, 3, padding=1, key=two),
                eqx.nn.GroupNorm(2, 8),
                eqx.nn.Lambda(jax.nn.relu),
                eqx.nn.Lambda(jnp.ravel),
                eqx.nn.Linear(8 * 4 * 4, 10, key=three),
            ]
        )

    def __call__(self, z):
        return self.last(self.pool(self.activation(self.first(z))))


def turned_digits(count):
    """Images (tasks, count, 1, 8, 8) and labels (count,)."""
    digits = load_digits()
    images = digits.images[:count] / 8 - 1
    turned = [
        rotate(images, angle, axes=(1, 2), reshape=False, order=1, cval=-1)
        for angle in ANGLES
    ]
    images = jnp.asarray(np.stack(turned)[:, :, None], float)
    return images, jnp.asarray(digits.target[:count])


def main(steps=120, count=600, batch=16):
    """Trains on half of the digits, and returns the losses of all steps."""
    images, labels = turned_digits(count)
    half, tasks = count // 2, jnp.arange(len(ANGLES))
    net = hl.hypernetize(
        Classifier(jax.random.key(0)),
        where=lambda m: m.last,
        meta=hl.mlp(depth=2, width=32),
        embedding=hl.TaskEmbedding(tasks=len(ANGLES), size=8),
        key=jax.random.key(1),
    )

    def loss(net, z, y):
        outputs = net.batch(tasks, z, z_axes=3)
        y = jnp.broadcast_to(y, outputs.shape[:2])
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(outputs, y))

    optimiser = optax.adam(3e-3)

    @eqx.filter_jit
    def step(net, state, key):
        chosen = jax.random.choice(key, half, (batch,))
        value, gradient = eqx.filter_value_and_grad(loss)(
            net, images[:, chosen], labels[chosen]
        )
        updates, state = optimiser.update(gradient, state)
        return eqx.apply_updates(net, updates), state, value

    state, losses = optimiser.init(eqx.filter(net, eqx.is_inexact_array)), []
    for key in jax.random.split(jax.random.key(2), steps):
        net, state, value = step(net, state, key)
        losses.append(float(value))

    @eqx.filter_jit
    def right(net, order):
        outputs = net.batch(order, images[:, half:], z_axes=3)
        return jnp.mean(jnp.argmax(outputs, -1) == labels[None, half:])

    own = float(right(net, tasks))
    other = float(right(net, jnp.roll(tasks, 1)))
    print(
        f"held-out digits at {len(ANGLES)} angles, after {steps} steps: {own:.1%} right"
        f" with the last block of their task, {other:.1%} with that of another (chance:"
        " 10%)"
    )
    return losses


if __name__ == "__main__":
    main()
