"""The SDK: streams of typed events that go on by themselves, and the REST calls around them.

It needs the bare install, and of a server only the wire; it works against the Ayla cloud as against one's own. What it
offers is imported when it is first used, so that importing this costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinstream.client.cloud import Cloud, CloudSync
    from twinstream.client.cloud_error import CloudError
    from twinstream.client.error import MessageError, RefusedError, RenumberedError, UnreachableError
    from twinstream.client.event import (
        ConnectivityEvent,
        DatapointackEvent,
        DatapointEvent,
        Event,
        LocationEvent,
        RegistrationEvent,
        UnknownEvent,
    )
    from twinstream.client.state import Connected, Counters, Gap, Reconnecting, Resumed, State
    from twinstream.client.stream import Item, Stream, connect
    from twinstream.client.sync import SyncStream, connect_sync
    from twinstream.errors import Disconnect

_MODULES = {
    "twinstream.client.cloud": ("Cloud", "CloudSync"),
    "twinstream.client.cloud_error": ("CloudError",),
    "twinstream.client.error": ("MessageError", "RefusedError", "RenumberedError", "UnreachableError"),
    "twinstream.client.event": (
        "ConnectivityEvent",
        "DatapointEvent",
        "DatapointackEvent",
        "Event",
        "LocationEvent",
        "RegistrationEvent",
        "UnknownEvent",
    ),
    "twinstream.client.state": ("Connected", "Counters", "Gap", "Reconnecting", "Resumed", "State"),
    "twinstream.client.stream": ("Item", "Stream", "connect"),
    "twinstream.client.sync": ("SyncStream", "connect_sync"),
    "twinstream.errors": ("Disconnect",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Cloud",
    "CloudError",
    "CloudSync",
    "Connected",
    "ConnectivityEvent",
    "Counters",
    "DatapointEvent",
    "DatapointackEvent",
    "Disconnect",
    "Event",
    "Gap",
    "Item",
    "LocationEvent",
    "MessageError",
    "Reconnecting",
    "RefusedError",
    "RegistrationEvent",
    "RenumberedError",
    "Resumed",
    "State",
    "Stream",
    "SyncStream",
    "UnknownEvent",
    "UnreachableError",
    "connect",
    "connect_sync",
]


def __getattr__(name: str) -> object:
    """Import what is asked for from its home."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(home), name)
    return found


def __dir__() -> list[str]:
    return __all__
