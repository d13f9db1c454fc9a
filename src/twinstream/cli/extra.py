"""Imports of what the bare install has not: the server, whose libraries are the extra `server`."""

from __future__ import annotations

import importlib
from types import ModuleType

from twinstream.exits import EX_UNAVAILABLE, CommandError


def import_server(module: str) -> ModuleType:
    """Import a module that stands on the server's libraries.

    Raises:
        CommandError: 69, with the line that installs them, if one of the libraries is missing.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "twinstream":
            raise
        raise CommandError(
            EX_UNAVAILABLE,
            f"this needs the server's libraries, and {error.name} is missing; install them with: "
            "pip install 'twinstream[server]'",
        ) from None
