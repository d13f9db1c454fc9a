"""The entry point of the `twinstream` command."""

import sys

from twinstream import __version__


def main() -> int:
    """Print the version; the commands follow."""
    sys.stdout.write(f"twinstream {__version__}\n")
    return 0
