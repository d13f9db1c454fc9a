"""Bodies about associations."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.association import Association
from twinstream.model.check import must
from twinstream.wire.body import read_body


class AssociationRequest(msgspec.Struct, frozen=True):
    """A role and one pair of key and value; without ``user_email`` it is about the caller."""

    role: str
    label: dict[str, str]
    user_email: str | None = None


class DisassociationRequest(msgspec.Struct, frozen=True):
    """A role and the key of a label; without ``user_email`` it is about the caller."""

    role: str
    label_key: str
    user_email: str | None = None


class DismissalRequest(msgspec.Struct, frozen=True):
    """A user who is tied to the caller."""

    user_email: str


class AssociatedUserReply(msgspec.Struct, frozen=True):
    """The user of a tie, as both sides see them."""

    uuid: str
    email: str
    firstname: str
    lastname: str


class AssociationReply(msgspec.Struct, frozen=True):
    """A tie of a user to a role and label."""

    role: str
    label: dict[str, str]
    user: AssociatedUserReply


def read_association(body: object) -> tuple[str, str, str, str | None]:
    """Read role, key, value and email. Raises RequestError ``invalid``, also for other than one pair."""
    request = read_body(body, AssociationRequest)
    if len(request.label) != 1:
        raise must("label", "be one pair of key and value")
    ((key, value),) = request.label.items()
    return request.role, key, value, request.user_email


def show_associations(ties: Sequence[Association]) -> list[AssociationReply]:
    """Write ties, as a bare array."""
    return [
        AssociationReply(
            tie.role,
            {tie.key: tie.value},
            AssociatedUserReply(tie.uuid, tie.email, tie.firstname, tie.lastname),
        )
        for tie in ties
    ]
