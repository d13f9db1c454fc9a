"""Several records in one message: ``LEN|JSON`` one after the other; that is what the length is for.

Knows only the size limits of design.md section 5 (``batch_size``). Whoever puts records in must flush before it returns
to the loop, so a partial batch never waits for more.
"""

from __future__ import annotations

from collections.abc import Callable

MAX_MESSAGE_BYTES = 64 * 1024
"""A batch never makes a message larger than this; a single record may be."""


class Batch:
    """Joins up to ``size`` records to a message and hands it to ``send``."""

    __slots__ = ("_length_bytes", "_records", "_send", "_size")

    def __init__(self, size: int, send: Callable[[bytes], None]) -> None:
        self._size = size
        self._send = send
        self._records: list[bytes] = []
        self._length_bytes = 0

    def put(self, record: bytes) -> None:
        """Add a record; what is complete is sent."""
        if self._length_bytes + len(record) > MAX_MESSAGE_BYTES:
            self.flush()
        self._records.append(record)
        self._length_bytes += len(record)
        if len(self._records) == self._size:
            self.flush()

    def flush(self) -> None:
        """Send what has gathered."""
        if self._records:
            message = b"".join(self._records)
            self.clear()
            self._send(message)

    def clear(self) -> None:
        """Forget what has gathered: the socket is gone."""
        self._records.clear()
        self._length_bytes = 0
