"""A server in the process of a test, with a clock that the test turns: for people who write clients.

With pytest the fixture `twinstream_cloud` is there by itself; without it::

    from twinstream.testing import serve_in_thread

    with serve_in_thread() as cloud:
        stream = cloud.stream("datapoint")

Everything is real but time: sockets on a free port of this machine, SQLite, the HTTP APIs. Importing this imports
nothing of the server; using it needs the extra `server`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinstream.testing.clock import TurnedClock
    from twinstream.testing.cloud import Cloud, serve_in_thread
    from twinstream.testing.stream import Stream
    from twinstream.testing.twin import Device, User

_MODULES = {
    "twinstream.testing.clock": ("TurnedClock",),
    "twinstream.testing.cloud": ("Cloud", "serve_in_thread"),
    "twinstream.testing.stream": ("Stream",),
    "twinstream.testing.twin": ("Device", "User"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = ["Cloud", "Device", "Stream", "TurnedClock", "User", "serve_in_thread"]


def __getattr__(name: str) -> object:
    """Import what is asked for.

    Raises:
        ImportError: the server's libraries are not installed; it says how to install them.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "twinstream":
            raise
        raise ImportError(
            f"twinstream.testing runs a server, whose library {error.name} is missing; install it with: "
            "pip install 'twinstream[server]'"
        ) from None
