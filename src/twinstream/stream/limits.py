"""The times and sizes that sessions keep to, in one struct; `settings` decides them, this module only names them."""

from __future__ import annotations

import msgspec


class StreamLimits(msgspec.Struct, frozen=True):
    """What a session may cost and how long it may be silent. Defaults: design.md section 5.

    ``heartbeat_misses`` 0 means that unanswered heartbeats never close a socket. ``ring_records``: how many of the
    latest records the hub remembers, so that a session that is nearly level need not read the log again.
    """

    heartbeat_interval_s: float = 30.0
    inbound_timeout_s: float = 45.0
    heartbeat_misses: int = 3
    slow_reader_timeout_s: float = 30.0
    sessions_per_subscription: int = 5
    replaceable_after_s: float = 35.0
    ring_records: int = 256
    page_events: int = 500
    page_bytes: int = 128 * 1024
