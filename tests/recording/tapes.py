"""Recordings for tests: events of the documents, and files that hold them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twinstream.recording.file import VERSION, EventLine, Header, Line, Recording, create

HEADER = Header(VERSION, "2018-09-24T10:25:00.000000Z", "ws://127.0.0.1/stream", "0123456789abcdef")
DSN = "AC000W005606115"
USER = "40e45b84-690c-11e8-acf3-12f911dcfe40"
AT_S = 1_537_784_714.0
"""2018-09-24T10:25:14Z"""


def datapoint(seq: int, value: Any = 0, dsn: str = DSN, user: str = USER) -> str:
    """The JSON of a datapoint event."""
    event = {
        "seq": str(seq),
        "metadata": {
            "oem_id": "0dfc7900",
            "oem_model": "linuxevb",
            "dsn": dsn,
            "property_name": "Blue_LED",
            "display_name": "Blue_LED",
            "base_type": "string",
            "resource_tags": [],
            "event_type": "datapoint",
        },
        "datapoint": {
            "id": "1ff9b91c-bfe4-11e8-1261-67d251d3ec96",
            "created_at_from_device": None,
            "updated_at": "2018-09-24T10:25:14Z",
            "created_at": "2018-09-24T10:25:14Z",
            "user_uuid": user,
            "echo": True,
            "closed": False,
            "value": value,
            "metadata": {},
        },
    }
    return json.dumps(event, separators=(",", ":"))


def location(seq: int, lat: str, long: str, dsn: str = DSN) -> str:
    """The JSON of a location event."""
    metadata = {"oem_id": "0dfc7900", "oem_model": "ledevb", "dsn": dsn, "event_type": "location"}
    body = {"dsn": dsn, "ip": "67.255.234.73", "lat": lat, "long": long, "provider": "ip-based", "user_uuid": USER}
    return json.dumps({"seq": str(seq), "metadata": metadata, "location_event": body}, separators=(",", ":"))


def tape(count: int, apart_s: float = 1.0, first: int = 1) -> list[EventLine]:
    """So many datapoints, so far apart."""
    return [EventLine(AT_S + at * apart_s, first + at, datapoint(first + at, f"v{at}")) for at in range(count)]


def write(path: Path, events: list[EventLine]) -> Path:
    """Write a recording of these events."""
    with create(path) as writer:
        writer.write_header(HEADER)
        for event in events:
            writer.write_event(event.at_s, event.text)
    return path


def read(path: Path) -> list[Line]:
    """All lines of a recording behind the header."""
    return list(Recording(path).lines())


def texts(path: Path) -> list[str]:
    """The events of a recording, as they came."""
    return [line.text for line in read(path) if isinstance(line, EventLine)]
