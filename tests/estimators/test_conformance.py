"""scikit-learn's own checks, all of them, called as users call."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from hyperlimit.estimators import HyperkernelGP, HyperkernelRegressor


# One kernel, so that both share what is compiled; the other tests have both.
# The check of array API inputs runs only where SCIPY_ARRAY_API is set.
@pytest.mark.usefixtures("unchecked_types")
@parametrize_with_checks([HyperkernelRegressor(kind="nngp"), HyperkernelGP()])
def test_scikit_learn_finds_nothing(estimator, check):
    check(estimator)
