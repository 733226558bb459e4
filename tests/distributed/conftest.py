"""Ranks that run together need a core each."""

import pytest


@pytest.fixture(autouse=True, scope="module")
def ranks_have_all_cores(all_cores):
    """Whatever the process of the test itself keeps to."""
