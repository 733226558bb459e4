"""The peer's side of scale_peers.py: linear_operator's own conjugate gradients.

python scale_peer.py PROBLEM.npz: reads the factors of a masked Kronecker sum, solves
to the tolerance with GPyTorch's linear_operator, prints a line of JSON.
"""

import json
import resource
import sys
import time

import numpy as np
import torch
from linear_operator import settings
from linear_operator.operators import (
    DenseLinearOperator,
    DiagLinearOperator,
    KroneckerProductLinearOperator,
    MaskedLinearOperator,
)

given = np.load(sys.argv[1])
left, right, own = (torch.tensor(given[name]) for name in ("left", "right", "own"))
mask = torch.tensor(given["mask"]).reshape(-1)
b = torch.tensor(given["targets"])
ridge, tolerance = float(given["ridge"]), float(given["tolerance"])
size = int(mask.sum())


def product(a, b):
    """A Kronecker product."""
    return KroneckerProductLinearOperator(
        DenseLinearOperator(a), DenseLinearOperator(b)
    )


start = time.perf_counter()
whole = product(torch.eye(left.shape[1]), own)
for a_k, b_k in zip(left, right, strict=True):
    whole = whole + product(a_k, b_k)
if not bool(mask.all()):
    whole = MaskedLinearOperator(whole, mask, mask)
system = whole + DiagLinearOperator(torch.full((size,), ridge))
built = time.perf_counter() - start
count = 0
inner = type(whole)._matmul


def counted(self, other):
    """Counts products with the whole matrix."""
    global count
    count += 1
    return inner(self, other)


type(whole)._matmul = counted
# Its own figure is the recurrence's, of a mean over columns: asked for less until the
# true residual is small enough, from the start each time.
asked, residual = tolerance, 1.0
while residual > tolerance:
    begun = time.perf_counter()
    count = 0
    with (
        torch.no_grad(),
        settings.cg_tolerance(asked),
        settings.max_cg_iterations(1_000_000),
        settings.max_cholesky_size(1),
        settings.fast_computations(True, True, True),
    ):
        answer = system.solve(b[:, None])[:, 0]
    # Of the last attempt alone: who knew what to ask for would have begun with it.
    seconds, products = time.perf_counter() - begun + built, count
    left_over = b.double() - (system @ answer[:, None])[:, 0].double()
    residual = float(left_over.norm() / b.double().norm())
    asked /= 2
print(
    json.dumps(
        {
            "kernels": float(given["kernels"]),
            "seconds": seconds + float(given["kernels"]),
            "residual": residual,
            "products": products,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
