"""A rank's work, and leaving at once when it cannot go on."""

import os
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import jax

from hyperlimit.distributed._ending import PEER_LOST, WRONG_INPUT
from hyperlimit.distributed._initialize import Rank, initialize
from hyperlimit.errors import InputError

# In what JAX raises where a collective's other end has gone.
_LOST = ("gloo", "nccl", "coordination service", "heartbeat")


@contextmanager
def session() -> Generator[Rank]:
    """Joins the other ranks, and leaves with them or at once.

    At the end of the block every rank waits for the others. One that raises ends its
    process on the spot, without the clean-up of Python and JAX, which would wait for
    ranks that are dead or that wait for it; its error is printed before. With one rank
    alone, nothing is special.

    Raises:
        RuntimeError: as `initialize`.

    Examples:
        >>> with session() as rank:
        ...     print(rank.number, rank.count, rank.first)
        0 1 True
    """
    rank = initialize()
    if rank.count == 1:
        yield rank
        return
    try:
        yield rank
        jax.distributed.shutdown()
    except SystemExit as ended:
        if ended.code:
            _leave(ended)
        jax.distributed.shutdown()
        raise
    except BaseException as error:
        _leave(error)


def _leave(error: BaseException) -> NoReturn:
    if isinstance(error, SystemExit):
        status = error.code if isinstance(error.code, int) else 1
        said = error.code if isinstance(error.code, str) else ""
    elif isinstance(error, KeyboardInterrupt):
        status, said = 130, ""
    elif isinstance(error, InputError):
        status, said = WRONG_INPUT, f"error: {error}"
    else:
        said = "".join(traceback.format_exception(error))
        status = PEER_LOST if _lost(error) else 1
    # A rank that is not the first may have its streams turned away.
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if said and sys.__stderr__ is not None:
        print(said.rstrip(), file=sys.__stderr__, flush=True)
    os._exit(status)


def _lost(error: BaseException) -> bool:
    # A status of XLA's is a ValueError, or a JaxRuntimeError, as the call has it.
    text = str(error).lower()
    return isinstance(error, RuntimeError | ValueError) and any(
        word in text for word in _LOST
    )
