"""OEMs, the tenants: nothing of one is ever seen by another.

Owns the form of their ids and the limits of their log; knows no storage.
"""

from __future__ import annotations

import re

import msgspec

from twinstream.model.check import check_text, must


class Retention(msgspec.Struct, frozen=True):
    """How much of an OEM's log is kept: seconds and bytes; None means the server's default."""

    age_s: float | None = None
    size_bytes: int | None = None


class Oem(msgspec.Struct, frozen=True):
    """One tenant; ``id`` is 8 hex digits, ``created_at`` seconds since 1970."""

    id: str
    name: str
    created_at: float
    retention: Retention


def check_oem_id(text: str) -> str:
    """Answer the id in lower case. Raises RequestError ``invalid`` unless it is 8 hex digits."""
    if _OEM_ID.fullmatch(text) is None:
        raise must("id", "be 8 hex digits")
    return text.lower()


def check_name(text: str) -> str:
    """Answer the name of an OEM or application. Raises RequestError ``invalid`` if it is empty or too long."""
    return check_text(text, field="name", shortest=1)


def check_retention(retention: Retention) -> Retention:
    """Answer the limits. Raises RequestError ``invalid`` for ages under a second or sizes under 64 KiB."""
    if retention.age_s is not None and not 1 <= retention.age_s <= 3e9:
        raise must("retention_age_s", "be 1 to 3e9 seconds")
    if retention.size_bytes is not None and not 64 * 1024 <= retention.size_bytes <= 2**50:
        raise must("retention_size_bytes", "be 65536 to 2^50 bytes")
    return retention


_OEM_ID = re.compile(r"[0-9a-fA-F]{8}", re.ASCII)
