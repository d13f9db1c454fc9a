"""The events that doctor plays: in the form of the documents, each to be told from every other.

Owns how a sample event looks and how it is recognised in a client's output; knows nothing of sockets or processes.
Invariant: the number, the DSN and the datapoint id of a sample are in no other sample of a run, and as a word of a text
they can hardly be there by chance.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec

USER_UUID = "40e45b84-690c-11e8-acf3-12f911dcfe40"
ANY_VALUE = object()
"""Stands for the value of a sample whose value is not looked at."""


class Sample(msgspec.Struct, frozen=True, eq=False):
    """An event as it is played: ``text`` is the JSON object, ``value`` what a client should find in a datapoint.

    ``markers`` are its number, its DSN, and the id that it has if it is a datapoint.
    """

    seq: int
    text: str
    markers: tuple[str, ...]
    value: Any = ANY_VALUE

    @property
    def record(self) -> str:
        """``LEN|JSON``, LEN in bytes of UTF-8."""
        return f"{len(self.text.encode())}|{self.text}"

    @property
    def record_in_characters(self) -> str:
        """``LEN|JSON``, LEN in characters; the documents don't say which of the two it is."""
        return f"{len(self.text)}|{self.text}"


class Traffic:
    """Makes the samples of one case, numbered from ``first_seq`` on. ``at`` is the time that all of them tell."""

    def __init__(self, first_seq: int, at: str) -> None:
        self._seqs: Iterator[int] = count(first_seq)
        self._at = at

    def skip(self, seqs: int) -> None:
        """Leave out so many numbers."""
        for _ in range(seqs):
            next(self._seqs)

    def datapoints(self, how_many: int) -> list[Sample]:
        """Make datapoints in which there is nothing special."""
        return [self.datapoint() for _ in range(how_many)]

    def datapoint(
        self, value: Any = 1, *, ascii_only: bool = True, metadata: dict[str, Any] | None = None, **body: Any
    ) -> Sample:
        """Make a datapoint event; ``metadata`` and ``body`` replace or add members."""
        return self._make(
            "datapoint",
            "datapoint",
            {
                "id": None,
                "created_at_from_device": None,
                "updated_at": self._at,
                "created_at": self._at,
                "user_uuid": USER_UUID,
                "echo": False,
                "closed": False,
                "value": value,
                "metadata": {},
                **body,
            },
            metadata=metadata,
            ascii_only=ascii_only,
        )

    def datapointack(self) -> Sample:
        """Make a datapointack event; its body's key is ``datapoint``."""
        return self._make(
            "datapointack",
            "datapoint",
            {
                "id": None,
                "created_at_from_device": None,
                "updated_at": self._at,
                "created_at": self._at,
                "user_uuid": USER_UUID,
                "echo": False,
                "closed": False,
                "value": 1,
                "ack_message": 0,
                "ack_status": 200,
                "ack_id": "160c8c90-bfe4-11e8-87f4-8d732085e587",
                "acked_at": self._at,
                "metadata": {},
            },
        )

    def connectivity(self, user_uuid: str | None = USER_UUID) -> Sample:
        """Make a connectivity event."""
        return self._make(
            "connectivity", "connection", {"event_time": self._at, "user_uuid": user_uuid, "status": "Online"}
        )

    def location(self) -> Sample:
        """Make a location event; latitude and longitude are text, the one with a blank in front."""
        return self._make(
            "location",
            "location_event",
            {
                "dsn": None,
                "ip": "192.0.2.73",
                "lat": " 44.769500",
                "long": "-69.428300",
                "provider": "ip-based",
                "user_uuid": USER_UUID,
                "created_at": self._at,
            },
        )

    def registration(self) -> Sample:
        """Make a registration event of a device that was unregistered: without a user."""
        return self._make(
            "registration",
            "registration_event",
            {
                "dsn": None,
                "user_uuid": None,
                "registered": False,
                "registration_type": "AP-Mode",
                "unregistered_at": self._at,
            },
        )

    def unknown(self) -> Sample:
        """Make an event of a type that the documents don't have (a later service may)."""
        return self._make("activation", "activation", {"id": 7, "device_type": "Wifi", "status": "Activated"})

    def _make(
        self,
        event_type: str,
        body_key: str,
        body: dict[str, Any],
        *,
        metadata: dict[str, Any] | None = None,
        ascii_only: bool = True,
    ) -> Sample:
        seq = next(self._seqs)
        dsn = f"AC000W{seq:09d}"
        datapoint_id = f"1ff9b91c-bfe4-11e8-1261-{seq:012d}"
        for key, value in (("dsn", dsn), ("id", datapoint_id)):
            if key in body and body[key] is None:
                body[key] = value
        base_type = _find_base_type(body.get("value"))
        of_property = {"property_name": "Blue_LED", "display_name": "Blue_LED", "base_type": base_type}
        event = {
            "seq": str(seq),
            "metadata": {
                "oem_id": "0dfc7900",
                "oem_model": "linuxevb",
                "dsn": dsn,
                **(of_property if body_key == "datapoint" else {}),
                "resource_tags": [],
                "event_type": event_type,
                **(metadata or {}),
            },
            body_key: body,
        }
        text = json.dumps(event, separators=(",", ":"), ensure_ascii=ascii_only)
        return Sample(seq, text, (str(seq), dsn, datapoint_id), body.get("value", ANY_VALUE))


def _find_base_type(value: Any) -> str:
    """Return the type of a property that may have the value: a client that goes by it must be able to read it."""
    if isinstance(value, str):
        return "string"
    return "boolean" if value in (0, 1, None) else "integer"
