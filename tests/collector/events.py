"""Events for sinks, decoded as the SDK does."""

from __future__ import annotations

import json
from collections.abc import Iterable

from twinstream.client.event import Event, decode_event


def datapoint(seq: int, value: object = 1, *, time: str = "2026-11-21T05:00:00Z") -> Event:
    """A datapoint event as the wire has it."""
    metadata = {
        "oem_id": "0dfc7900",
        "oem_model": "freezer",
        "dsn": "AC000W000000001",
        "property_name": "temperature",
        "display_name": "Temperature",
        "base_type": "decimal",
        "resource_tags": [],
        "event_type": "datapoint",
    }
    body = {"id": f"d{seq}", "created_at": time, "updated_at": time, "user_uuid": "u", "value": value}
    return decode_event(json.dumps({"seq": str(seq), "metadata": metadata, "datapoint": body}, separators=(",", ":")))


def datapoints(seqs: Iterable[int]) -> list[Event]:
    """One datapoint for each number."""
    return [datapoint(seq) for seq in seqs]
