"""What takes long, kept in a folder, so that it goes on where it was ended."""

from hyperlimit.linalg.checkpoints._checkpoints import Checkpoints
from hyperlimit.linalg.checkpoints._digest import digests
from hyperlimit.linalg.checkpoints._folder import Kind
from hyperlimit.linalg.checkpoints._store import Store

__all__ = ["Checkpoints", "Kind", "Store", "digests"]
