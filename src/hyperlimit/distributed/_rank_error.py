"""The exception that says that ranks died more often than they may."""


class RankError(RuntimeError):
    """A gang of ranks did not do its work: which rank died, and how."""
