"""Training of finite networks: a loop around any Equinox module."""

from hyperlimit.training._train import Training, train

__all__ = ["Training", "train"]
