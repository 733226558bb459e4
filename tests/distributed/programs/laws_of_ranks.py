"""The laws of operators, on several ranks: the images are never dealt out evenly.

python laws_of_ranks.py [CASE ...]
"""

import sys

import strict

import hyperlimit.distributed as distributed
from hyperlimit.linalg.sharded import ImageRows, image_mesh
from laws.operator_laws import OperatorCase, OperatorLaws
from laws.sharded_cases import CASES, Everywhere

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
        if rank.first:
            print("holds:", make.__name__, flush=True)
