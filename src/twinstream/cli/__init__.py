"""The command line; a command imports what it needs when it runs, so that help and version need nothing."""

from twinstream.cli.app import main

__all__ = ["main"]
