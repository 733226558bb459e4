"""The laws of operators, on several ranks: the images are never dealt out evenly.

python laws_of_ranks.py [CASE ...]
"""

import sys

import jax
import numpy as np
import strict

import hyperlimit.distributed as distributed
from hyperlimit.linalg.sharded import ImageRows, image_mesh
from laws.operator_laws import OperatorCase, OperatorLaws
from laws.sharded_cases import CASES, Everywhere, kept, some_modes


def product(operator, vectors):
    return operator.matmat(vectors)


with distributed.session() as rank:
    layout = ImageRows(image_mesh(), 5)
    tolerance = {"float64": 1e-12, "float32": 1e-5}[strict.PRECISION]
    assert layout.ranks > 1
    assert layout.padded > layout.images
    for make in CASES:
        if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
            continue
        operator, matrix = make(layout)
        case = OperatorCase(make.__name__, Everywhere(operator, layout), matrix)
        laws = OperatorLaws()
        laws.test_products(case, tolerance)
        laws.test_transpose(case, tolerance)
        laws.test_diagonal(case, tolerance)
        laws.test_blocks(case, tolerance)
        # What a product says to other ranks, and nothing else.
        given = layout.scattered(np.ones((5 * 4, 1), operator.dtype))
        if make in (kept, some_modes):
            program = jax.jit(product).lower(operator, given).compile().as_text()
            expected = {kept: (0, 1), some_modes: (1, 1)}[make]
            assert program.count(" reduce-scatter(") == expected[0]
            assert program.count(" all-gather(") == expected[1]
            assert " all-reduce(" not in program
        if rank.first:
            print("holds:", make.__name__, flush=True)
