"""Dask is an extra, and its absence one sentence."""

import sys

from hyperlimit.distributed import run_on_dask


def test_without_dask_one_sentence_says_so(monkeypatch, refuses):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with refuses("'distributed' is not installed", "hyperlimit[cluster]"):
        run_on_dask(None, len)
