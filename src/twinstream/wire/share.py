"""Bodies of shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from twinstream.model.check import invalid, must
from twinstream.model.share import Operation, Party, Share, ShareDraft, ShareTerms
from twinstream.wire.body import read_body, read_time
from twinstream.wire.time import format_time

BATCH_LIMIT = 100
"""Most shares of one request."""


class RoleFields(msgspec.Struct, frozen=True):
    """``{"name": "..."}``."""

    name: str


class ShareFields(msgspec.Struct, frozen=True):
    """A share to be made. ``operation``: ``read`` or ``write``, empty means read; times null: at once, for ever.

    The role may come as ``role`` or as ``role_name``.
    """

    resource_name: str
    resource_id: str
    user_email: str
    operation: str | None = None
    start_date_at: str | None = None
    end_date_at: str | None = None
    role: RoleFields | None = None
    role_name: str | None = None


class ShareRequest(msgspec.Struct, frozen=True):
    """``{"share": {...}}`` or ``{"shares": [...]}``; of many either all are made or none."""

    share: ShareFields | UnsetType = UNSET
    shares: tuple[ShareFields, ...] | UnsetType = UNSET


class ShareChangeFields(msgspec.Struct, frozen=True):
    """What an owner can change of a share; what is left out stays."""

    operation: str | UnsetType | None = UNSET
    start_date_at: str | UnsetType | None = UNSET
    end_date_at: str | UnsetType | None = UNSET
    role: RoleFields | UnsetType | None = UNSET


class ShareChange(msgspec.Struct, frozen=True):
    """``{"share": {...}}``."""

    share: ShareChangeFields


class PartyReply(msgspec.Struct, frozen=True):
    """Owner or holder, as the other one sees them."""

    firstname: str
    lastname: str
    email: str


class ShareFieldsReply(msgspec.Struct, frozen=True):
    """A share."""

    id: int
    grant_id: int
    created_at: str
    updated_at: str
    start_date_at: str | None
    end_date_at: str | None
    status: str
    operation: str
    owner_id: int
    user_id: int
    resource_name: str
    resource_id: str
    user_email: str
    role: dict[str, str] | None
    owner_profile: PartyReply
    user_profile: PartyReply


class ShareReply(msgspec.Struct, frozen=True):
    """``{"share": {...}}``."""

    share: ShareFieldsReply


def read_drafts(body: object) -> tuple[list[ShareDraft], bool]:
    """Read shares to be made, and whether they came as a list. Raises RequestError ``invalid``."""
    request = read_body(body, ShareRequest)
    if isinstance(request.share, ShareFields):
        return [_read_draft(request.share)], False
    if isinstance(request.shares, UnsetType):
        raise invalid("share", "is missing")
    if not 1 <= len(request.shares) <= BATCH_LIMIT:
        raise must("shares", f"have 1 to {BATCH_LIMIT} elements")
    return [_read_draft(fields) for fields in request.shares], True


def read_change(body: object) -> Callable[[ShareTerms], ShareTerms]:
    """Read a change of a share, as a function of its present terms. Raises RequestError ``invalid``."""
    fields = read_body(body, ShareChange).share
    changes: dict[str, object] = {}
    if not isinstance(fields.operation, UnsetType):
        changes["operation"] = _read_operation(fields.operation)
    if not isinstance(fields.start_date_at, UnsetType):
        changes["start_at"] = read_time(fields.start_date_at, field="start_date_at")
    if not isinstance(fields.end_date_at, UnsetType):
        changes["end_at"] = read_time(fields.end_date_at, field="end_date_at")
    if not isinstance(fields.role, UnsetType):
        changes["role"] = fields.role.name if fields.role else None
    return lambda terms: msgspec.structs.replace(terms, **changes)


def show_share(share: Share) -> ShareReply:
    """Write a share."""
    return ShareReply(
        ShareFieldsReply(
            id=share.id,
            grant_id=share.id,
            created_at=format_time(share.created_at),
            updated_at=format_time(share.updated_at),
            start_date_at=_show_time(share.terms.start_at),
            end_date_at=_show_time(share.terms.end_at),
            status="accepted",  # nobody is asked: a share counts at once
            operation=share.terms.operation,
            owner_id=share.owner.id,
            user_id=share.holder.id,
            resource_name="device",
            resource_id=share.dsn,
            user_email=share.holder.email,
            role={"name": share.terms.role} if share.terms.role else None,
            owner_profile=_show_party(share.owner),
            user_profile=_show_party(share.holder),
        )
    )


def show_shares(shares: Sequence[Share]) -> list[ShareReply]:
    """Write a list of shares."""
    return [show_share(share) for share in shares]


def _read_draft(fields: ShareFields) -> ShareDraft:
    if fields.resource_name != "device":
        raise must("resource_name", "be device; nothing else can be shared")
    terms = ShareTerms(
        _read_operation(fields.operation),
        read_time(fields.start_date_at, field="start_date_at"),
        read_time(fields.end_date_at, field="end_date_at"),
        (fields.role.name if fields.role else fields.role_name) or None,
    )
    return ShareDraft(fields.resource_id, fields.user_email, terms)


def _read_operation(text: str | None) -> Operation:
    try:
        return Operation(text or Operation.READ)
    except ValueError:
        raise must("operation", "be read or write") from None


def _show_time(at_s: float | None) -> str | None:
    return None if at_s is None else format_time(at_s)


def _show_party(party: Party) -> PartyReply:
    return PartyReply(party.firstname, party.lastname, party.email)
