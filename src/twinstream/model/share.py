"""Shares: an owner lets another user of the same OEM see, or also steer, a device for a while.

Owns what may stand in a share; knows no storage. A share counts from ``start_at`` (None: at once) up to, not including,
``end_at`` (None: for ever). Before, it is an invitation: its holder sees it and may end it, as the mail tells of it
anyway, but it grants nothing; after, it is gone. Events committed in that time have the holder among their readers; a
change of a share never touches events that were committed before.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from twinstream.model.check import check_text, must


class Operation(StrEnum):
    """What the holder may do with the device: see it, or also set its properties."""

    READ = "read"
    WRITE = "write"


class ShareTerms(msgspec.Struct, frozen=True):
    """What the owner may choose and change later; times are seconds since 1970. ``role`` is kept and shown, no more."""

    operation: Operation = Operation.READ
    start_at: float | None = None
    end_at: float | None = None
    role: str | None = None


class ShareDraft(msgspec.Struct, frozen=True):
    """A share to be made: of which device, with the user of which email."""

    dsn: str
    email: str
    terms: ShareTerms


class Party(msgspec.Struct, frozen=True):
    """Owner or holder of a share, as both may see each other."""

    id: int
    uuid: str
    email: str
    firstname: str
    lastname: str


class Share(msgspec.Struct, frozen=True):
    """A share of the device ``dsn`` from its owner to its holder; times are seconds since 1970."""

    id: int
    dsn: str
    owner: Party
    holder: Party
    terms: ShareTerms
    created_at: float
    updated_at: float


def check_share_terms(terms: ShareTerms, now_s: float) -> ShareTerms:
    """Answer the terms. Raises RequestError ``invalid`` if they end before they start, or have ended already."""
    if terms.end_at is not None and terms.end_at <= now_s:
        raise must("end_date_at", "lie in the future")
    if terms.start_at is not None and terms.end_at is not None and terms.end_at <= terms.start_at:
        raise must("end_date_at", "lie after start_date_at")
    check_text(terms.role or "", field="role_name")
    return terms
