"""Images as networks: all weights of a SIREN generated from the image they are to show.

A SIREN is a network of coordinates with sines for activations (Sitzmann et al.,
*Implicit Neural Representations with Periodic Activation Functions*, NeurIPS 2020).
One hypernetwork writes a SIREN for each of several handwritten digits, which then
gives the grey value at any point of its image.

    python examples/siren_images.py
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

import hyperlimit as hl

FREQUENCY = 6.0


class Siren(eqx.Module):
    """sin(w (W z + b)) three times, and a linear layer."""

    layers: tuple[eqx.nn.Linear, ...]

    def __init__(self, key, width=24):
        sizes = (2, width, width, width, 1)
        keys = jax.random.split(key, len(sizes) - 1)
        self.layers = tuple(
            eqx.nn.Linear(fan_in, out, key=k)
            for fan_in, out, k in zip(sizes[:-1], sizes[1:], keys, strict=True)
        )

    def __call__(self, z):
        for layer in self.layers[:-1]:
            z = jnp.sin(FREQUENCY * layer(z))
        return self.layers[-1](z)


def main(steps=300, images=16):
    """Fits the images, and returns the losses of all steps."""
    y = load_digits().images[:images].reshape(images, 64) / 16
    x = (y - y.mean(0)) / (y - y.mean(0)).std()
    # |x|^2 = d, as an initialisation of variances expects.
    x = x * 8 / np.linalg.norm(x, axis=1, keepdims=True)
    rows, columns = np.mgrid[0:8, 0:8] / 3.5 - 1
    z = np.stack([rows.ravel(), columns.ravel()], axis=1)
    x, y, z = (jnp.asarray(a, float) for a in (x, y, z))

    net = hl.hypernetize(
        Siren(jax.random.key(0)),
        where=eqx.nn.Linear,
        meta=hl.mlp(depth=2, width=64),
        x=64,
        key=jax.random.key(1),
        # Each weight is generated around the SIREN's own value, of variance
        # 1 / (3 fan_in) as Equinox draws it: the gain is that of these layers.
        initialisation="mip",
        gain=1 / 3,
    )

    def loss(net):
        return jnp.mean((net.batch(x, z)[..., 0] - y) ** 2)

    optimiser = optax.adam(3e-3)

    @eqx.filter_jit
    def step(net, state):
        value, gradient = eqx.filter_value_and_grad(loss)(net)
        updates, state = optimiser.update(gradient, state)
        return eqx.apply_updates(net, updates), state, value

    state, losses = optimiser.init(eqx.filter(net, eqx.is_inexact_array)), []
    for _ in range(steps):
        net, state, value = step(net, state)
        losses.append(float(value))
    variance = float(jnp.mean(jnp.var(y, axis=0)))
    print(
        f"{images} images of 64 pixels, one SIREN of "
        f"{sum(p.size for p in net.parameters)} generated weights each: mean squared "
        f"error {losses[0]:.4f} at birth, {losses[-1]:.1e} after {steps} steps (the "
        f"mean image: {variance:.4f})"
    )
    return losses


if __name__ == "__main__":
    main()
