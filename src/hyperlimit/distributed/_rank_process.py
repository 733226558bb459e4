"""One rank on a worker of a Dask cluster, as a process of its own."""

import importlib
import os
import sys
from pathlib import Path

from hyperlimit.distributed._session import session


def main(folder: Path) -> None:
    """Runs the call that the folder holds; rank 0 leaves its answer there."""
    pickle = importlib.import_module("cloudpickle")
    function, args = pickle.loads((folder / "call").read_bytes())
    with session() as rank:
        answer = function(*args)
        if rank.first:
            part = folder / "answer.part"
            part.write_bytes(pickle.dumps(answer))
            os.replace(part, folder / "answer")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
