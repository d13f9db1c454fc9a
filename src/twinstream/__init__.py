"""twinstream: an open, self-hosted service that is wire-compatible with the Ayla Datastream Service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinstream.client.stream import connect
    from twinstream.client.sync import connect_sync

__version__ = "0.1.0"
__all__ = ["__version__", "connect", "connect_sync"]


def __getattr__(name: str) -> object:
    """Import what the SDK offers when it is first asked for: most who import this package want something else."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from twinstream import client

    return getattr(client, name)
