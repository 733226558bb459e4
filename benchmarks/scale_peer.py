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
count = 0
inner = type(system)._matmul


def counted(self, other):
    """Counts products with the whole system."""
    global count
    count += self is system
    return inner(self, other)


type(system)._matmul = counted
with (
    torch.no_grad(),
    settings.cg_tolerance(tolerance),
    settings.max_cg_iterations(int(given["most"])),
    settings.max_cholesky_size(1),
    settings.fast_computations(True, True, True),
):
    answer = system.solve(b[:, None])[:, 0]
seconds = time.perf_counter() - start
left_over = b.double() - (system @ answer[:, None])[:, 0].double()
print(
    json.dumps(
        {
            "seconds": seconds,
            "residual": float(left_over.norm() / b.double().norm()),
            "products": count,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
