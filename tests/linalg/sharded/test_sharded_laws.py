"""Sharded operators under the laws, on one device: two and four are in distributed/."""

import functools

import pytest

from hyperlimit.linalg.sharded import ImageRows, image_mesh
from laws.operator_laws import OperatorCase, OperatorLaws
from laws.sharded_cases import CASES, Everywhere


@functools.cache
def made(index):
    case, layout = CASES[index], ImageRows(image_mesh(), 5)
    operator, matrix = case(layout)
    return OperatorCase(case.__name__, Everywhere(operator, layout), matrix)


class TestShardedOperators(OperatorLaws):
    """The laws, case by case."""

    @pytest.fixture(params=range(len(CASES)), ids=lambda i: CASES[i].__name__)
    def case(self, request):
        return made(request.param)
