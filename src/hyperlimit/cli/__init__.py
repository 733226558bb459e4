"""The command line: parse, call, print."""

from hyperlimit.cli._app import main

__all__ = ["main"]
