"""Stored bytes of files and messages, and the datapoints that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model.datapoint import Datapoint
from twinstream.ports.command import NewValue
from twinstream.ports.datapoint import AcknowledgedDatapoint


class Contents(Protocol):
    """Datapoints of file and message properties. The caller checks rights against the state."""

    def find(self, datapoint_id: str) -> AcknowledgedDatapoint | None:
        """Find one that was made for the device's present owner."""

    def close(self, property_key: int, datapoint_id: str, value: str) -> None:
        """Make one complete: it gets its value, and is its property's newest."""

    def mark(self, datapoint_id: str, *, fetched: bool = False, discarded: bool = False) -> None:
        """Note that one was fetched or discarded."""

    def find_next(self, property_key: int) -> Datapoint | None:
        """Find the oldest complete one of a property that was neither fetched nor discarded.

        Like `find` it knows only those of the device's present owner.
        """

    def list_due(self, device_key: int) -> Sequence[NewValue]:
        """List what `find_next` finds of each file that goes to the device or a node behind it."""

    def list_kept(self, datapoint_ids: Sequence[str]) -> Sequence[str]:
        """Answer those of the ids whose bytes are still wanted."""


class Blobs(Protocol):
    """The bytes, by the datapoint's id, outside of the database. Blocking: call off the event loop.

    What `write` and `finish` have made is on the disk, whole, when they return. All that write raise RequestError
    ``storage_full`` or ``storage_failed``; after that `write` and `finish` leave nothing behind.
    """

    def write(self, datapoint_id: str, content: bytes) -> None:
        """Store all bytes at once."""

    def size(self, datapoint_id: str) -> int:
        """Answer how many bytes of an unfinished one have come."""

    def append(self, datapoint_id: str, start: int, content: bytes) -> None:
        """Write a part of an unfinished one; ``start`` is at most its size, and what was there from it on goes."""

    def finish(self, datapoint_id: str) -> None:
        """Make one whole; one without bytes is empty, one that is whole stays so unless bytes came again."""

    def read(self, datapoint_id: str) -> bytes | None:
        """Answer all bytes of a whole one."""

    def remove(self, datapoint_id: str) -> None:
        """Delete one, if it is there."""

    def list_older(self, age_s: float) -> Sequence[str]:
        """List the ids of those that nobody has written to for so long."""
