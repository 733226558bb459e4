"""Long solves that go on where they were ended."""

from hyperlimit.linalg.checkpoints._checkpoints import Checkpoints

__all__ = ["Checkpoints"]
