"""A training that is kept in a folder, as a process of its own that can be killed."""

import os
import signal
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import hyperlimit as hl
from hyperlimit.linalg.checkpoints import Store

EPOCHS = 14


def trained(checkpoints, progress):
    """Adam on minibatches with noise, and validation after each epoch."""
    draw = np.random.default_rng(0)
    x = jnp.asarray(draw.standard_normal((20, 3)), float)
    z = jnp.asarray(draw.standard_normal((5, 2)), float)
    y = jnp.sin(x[:, :1] + z[None, :, 0])
    spec = hl.Hypernetwork(hl.mlp(depth=2, width=8), hl.mlp(depth=2, width=4, out=1))
    return hl.train(
        hl.init(spec, key=jax.random.key(0), x=x, z=z),
        (x[:14], z, y[:14]),
        key=jax.random.key(1),
        loss=noisy,
        epochs=EPOCHS,
        batch_size=4,
        optimiser=optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.03)),
        validation=(x[14:], z, y[14:]),
        checkpoints=checkpoints,
        progress=progress,
    )


def noisy(net, batch, key):
    x, z, y = batch
    x = x + 0.1 * jax.random.normal(key, x.shape, x.dtype)
    return jnp.mean((net.batch(x, z)[..., 0] - y) ** 2)


def numbers(done):
    """All that a training gives, but its seconds."""
    arrays = jax.tree.leaves(eqx.filter(done.net, eqx.is_array))
    course = (done.losses, done.validation, np.array([done.steps, done.best_step]))
    return [np.asarray(array) for array in (*arrays, *course)]


def kill_in_a_save(folder, met):
    """Ends the process while a state is half written: not the first that it sees."""
    write, seen = Store.write, set()

    def killing(self, tree, about):
        write(self, tree, about)
        here = {path.name for path in Path(folder).iterdir() if "tmp" in path.name}
        seen.update(here)
        if here and len(seen) == met:
            os.kill(os.getpid(), signal.SIGKILL)

    Store.write = killing


def run(folder, compiled, double, met, told):
    """The process: tells of every epoch, and writes its numbers to FOLDER.npz."""
    jax.config.update("jax_enable_x64", double)
    jax.config.update("jax_compilation_cache_dir", compiled)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

    def progress(steps, loss):
        told.send(steps)
        # Long enough that a kill from outside meets the training.
        time.sleep(0.02)

    if met:
        kill_in_a_save(folder, met)
    done = trained(hl.Checkpoints(folder, seconds=0.0), progress)
    np.savez(folder + ".npz", *numbers(done))
