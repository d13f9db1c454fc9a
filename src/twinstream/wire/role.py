"""Bodies about roles and their labels."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.check import must
from twinstream.model.user import Account
from twinstream.wire.account import NewUserFields
from twinstream.wire.body import read_body, unwrap
from twinstream.wire.user import ProfileReply, show_profile


class RoleRequest(msgspec.Struct, frozen=True):
    """A user of the OEM, and a role."""

    user_email: str
    role: str


class LabelRequest(RoleRequest, frozen=True):
    """A user in a role, and one pair of key and value."""

    label: dict[str, str]


class LabelKeyRequest(RoleRequest, frozen=True):
    """A user in a role, and the key of a label."""

    label_key: str


class RoleUserFields(NewUserFields, frozen=True, kw_only=True):
    """Somebody to make an account for, and their role."""

    role: str


class RoleUser(msgspec.Struct, frozen=True):
    """``{"user": {...}}``, also without the wrapper."""

    user: RoleUserFields


class LabelReply(msgspec.Struct, frozen=True):
    """A label of a user in a role."""

    role: str
    label: dict[str, str]


class UserReply(msgspec.Struct, frozen=True):
    """``{"user": {...}}``."""

    user: ProfileReply


def read_label(body: object) -> tuple[str, str, str, str]:
    """Read email, role, key and value. Raises RequestError ``invalid``, also for other than one pair."""
    request = read_body(body, LabelRequest)
    if len(request.label) != 1:
        raise must("label", "be one pair of key and value")
    ((key, value),) = request.label.items()
    return request.user_email, request.role, key, value


def read_role_user(body: object) -> RoleUserFields:
    """Read somebody to make an account for. Raises RequestError ``invalid``."""
    return read_body(unwrap(body, "user"), RoleUserFields)


def show_users(accounts: Sequence[Account]) -> list[UserReply]:
    """Write users, as a bare array."""
    return [UserReply(show_profile(account)) for account in accounts]
