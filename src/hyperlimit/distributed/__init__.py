"""One program as many processes: started, joined, watched, and started again.

Nothing in a network of ranks asks who is there: JAX's coordinator and its collectives
belong on a private network, and on one machine they are bound to its loopback.
"""

from hyperlimit.distributed._dask import run_on_dask
from hyperlimit.distributed._initialize import Rank, initialize
from hyperlimit.distributed._launch import launch
from hyperlimit.distributed._rank_error import RankError
from hyperlimit.distributed._session import session
from hyperlimit.distributed._watchdog import Watchdog, barrier

__all__ = [
    "Rank",
    "RankError",
    "Watchdog",
    "barrier",
    "initialize",
    "launch",
    "run_on_dask",
    "session",
]
