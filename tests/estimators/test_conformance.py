"""scikit-learn's own checks, all of them, called as users call."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from hyperlimit.estimators import HyperkernelGP, HyperkernelRegressor


@pytest.mark.usefixtures("unchecked_types")
@parametrize_with_checks([HyperkernelRegressor(), HyperkernelGP()])
def test_scikit_learn_finds_nothing(estimator, check):
    check(estimator)
