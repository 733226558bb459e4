"""The command line as a module: `python -m hyperlimit.cli`."""

from hyperlimit.cli import main

main()
