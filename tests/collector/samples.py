"""Events for tests: those of the documents, and many of a kind."""

from __future__ import annotations

import json
from typing import Any

from twinstream.client.event import Event, decode_event

METADATA = {"oem_id": "0dfc7900", "oem_model": "ledevb", "dsn": "AC000W000340649", "resource_tags": []}
USER = "40e45b84-690c-11e8-acf3-12f911dcfe40"
DATAPOINT: dict[str, Any] = {
    "id": "1ff9b91c-bfe4-11e8-1261-67d251d3ec96",
    "created_at_from_device": None,
    "updated_at": "2018-09-24T10:25:14Z",
    "created_at": "2018-09-24T10:25:14Z",
    "user_uuid": USER,
    "echo": True,
    "closed": False,
    "value": 0,
    "metadata": {},
}


def make_event(seq: int, event_type: str, **body: Any) -> Event:
    """An event with the documents' metadata, and a body under its key."""
    metadata = METADATA | {"event_type": event_type} | body.pop("metadata", {})
    return decode_event(json.dumps({"seq": str(seq), "metadata": metadata} | body))


def datapoint(seq: int, value: Any = 0, **metadata: Any) -> Event:
    """A datapoint event with that value."""
    named = {"property_name": "Blue_LED", "display_name": "Blue_LED", "base_type": "string"} | metadata
    return make_event(seq, "datapoint", metadata=named, datapoint=DATAPOINT | {"value": value})


def datapoints(first: int, last: int) -> list[Event]:
    """The datapoint events with the numbers from first to last, both included."""
    return [datapoint(seq, f"v{seq}") for seq in range(first, last + 1)]
