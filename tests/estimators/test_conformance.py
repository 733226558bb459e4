"""scikit-learn's own checks, all of them, called as users call."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from hyperlimit.estimators import HyperkernelGP, HyperkernelRegressor

# Most of the time is XLA's: small networks of one kernel share what is compiled.
SMALL = {"meta_depth": 1, "primary_depth": 2, "kind": "nngp"}


# The check of array API inputs runs where SCIPY_ARRAY_API is set.
@pytest.mark.usefixtures("unchecked_types")
@parametrize_with_checks([HyperkernelRegressor(**SMALL), HyperkernelGP(**SMALL)])
def test_scikit_learn_finds_nothing(estimator, check):
    check(estimator)


@pytest.mark.long
@pytest.mark.usefixtures("unchecked_types")
@parametrize_with_checks([HyperkernelRegressor(), HyperkernelGP()])
def test_nor_in_the_defaults(estimator, check):
    check(estimator)
