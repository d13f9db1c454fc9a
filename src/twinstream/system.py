"""The clock, identifiers, secrets and private files of the real machine.

Owns the implementations of `ports.clock` and `ports.ids`; knows nothing else.
"""

from __future__ import annotations

import os
import secrets
import string
import time
import uuid
from pathlib import Path

_ALPHABET = string.ascii_lowercase + string.digits
_UUID_EPOCH_OFFSET = 0x01B21DD213814000
"""100 ns intervals from 1582-10-15, where version-1 UUIDs begin, to 1970-01-01 (RFC 9562 section 5.1)."""


class SystemClock:
    """Implements `ports.clock.Clock`."""

    def now_s(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def monotonic_s(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()


class SystemIds:
    """Implements `ports.ids.NewId`."""

    def uuid(self) -> str:
        """A random UUID."""
        return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))

    def time_uuid(self, at_s: float) -> str:
        """A version-1 UUID of that time; the rest is random, so no two are alike and no machine shows."""
        intervals = int(at_s * 10_000_000) + _UUID_EPOCH_OFFSET
        noise = int.from_bytes(secrets.token_bytes(8), "big")
        clock = noise >> 48 & 0x3FFF | 0x8000
        node = noise & 0xFFFF_FFFF_FFFF | 1 << 40  # the multicast bit says: not a network card's address
        low, middle, high = intervals & 0xFFFF_FFFF, intervals >> 32 & 0xFFFF, intervals >> 48 & 0x0FFF | 0x1000
        return f"{low:08x}-{middle:04x}-{high:04x}-{clock:04x}-{node:012x}"

    def secret(self) -> str:
        """32 lower-case hex digits."""
        return secrets.token_hex(16)

    def code(self, length: int) -> str:
        """Random lower-case letters and digits."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all, and durably."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
