import resource
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

import hyperlimit as hl
from hyperlimit.linalg.operators import Shifted
from hyperlimit.linalg.solvers import conjugate_gradients, preconditioner_for

n = int(sys.argv[1])
rank = int(sys.argv[2]) if len(sys.argv) > 2 else None
spec = hl.Hypernetwork(
    hl.mlp(depth=4, width=8),
    hl.mlp(depth=3, width=8, out=1, inputs=hl.FourierFeatures(bandwidth=2.8)),
)
from hyperlimit.data import load

px = load("mnist").pixels[:n, ..., 0]
x = hl.unit_rows(px[:, :14].reshape(n, -1))
g = np.arange(28.0)
z = np.stack(np.meshgrid(g, g, indexing="ij"), -1).reshape(-1, 2).astype(np.float32)
y = px.reshape(n, -1)
y = (y - y.mean(0)).astype(np.float32)
t0 = time.time()
lim = hl.dual_limit(spec)
G = lim.gram(x, z, atol=float(sys.argv[3]) if len(sys.argv) > 3 else None)
jax.block_until_ready(G.operator)
t1 = time.time()
print(G.report, f"gram {t1 - t0:.1f}s", flush=True)
ridge = 1e-3 * float(G.diagonal().mean())
from hyperlimit.linalg.solvers import kronecker_inverse

P = preconditioner_for(G.operator, ridge) if not rank else None
op = P.operator if P else kronecker_inverse(G.operator, ridge, rank)
jax.block_until_ready(op)
t2 = time.time()
print(P and P.name, f"{t2 - t1:.1f}s", flush=True)
v = jnp.asarray(y.reshape(-1, 1))
s = conjugate_gradients(
    Shifted(G.operator, jnp.float32(ridge)),
    v,
    op,
    tolerance=1e-3,
    progress=lambda i, r: print(i, f"{r:.1e} {time.time() - t2:.1f}s", flush=True),
)
t3 = time.time()
print(
    "iters",
    s.iterations,
    "res",
    s.residual,
    "cond",
    s.condition,
    f"solve {t3 - t2:.1f}s total {t3 - t0:.1f}s peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f}GiB",
)
# floors
a = jnp.ones((2048, 2048), jnp.float32)
f = jax.jit(lambda a: a @ a)
f(a).block_until_ready()
t = time.time()
for _ in range(20):
    b = f(a)
b.block_until_ready()
rate = 20 * 2 * 2048**3 / (time.time() - t)
mv = jax.jit(lambda o, v: o.matmat(v))
mv(G.operator, v).block_until_ready()
t = time.time()
mv(G.operator, v).block_until_ready()
dt = time.time() - t
r = G.report.terms
p = 784
fl = 2 * r * n * p * (n + p) + 2 * n * p * p
print(
    f"GEMM {rate / 1e9:.0f} GF/s matvec {dt:.2f}s floor {fl / rate:.2f}s ratio {dt * rate / fl:.2f}"
)
