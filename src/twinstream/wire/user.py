"""Bodies about users."""

from __future__ import annotations

import msgspec

from twinstream.model.user import Account
from twinstream.wire.time import format_time


class ProfileReply(msgspec.Struct, frozen=True):
    """A user's own profile, flat. What nobody has told is null."""

    id: int
    uuid: str
    email: str
    firstname: str
    lastname: str
    origin_oem_id: str
    origin_oem_name: str
    role: str
    created_at: str
    updated_at: str
    nickname: str | None = None
    company: str | None = None
    street: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    phone_country_code: str | None = None
    phone: str | None = None
    ayla_dev_kit_num: str | None = None
    role_tags: tuple[str, ...] = ()


def show_profile(account: Account) -> ProfileReply:
    """Write a user's own profile."""
    user = account.user
    return ProfileReply(
        id=user.id,
        uuid=user.uuid,
        email=user.email,
        firstname=account.firstname,
        lastname=account.lastname,
        origin_oem_id=user.oem,
        origin_oem_name=account.oem_name,
        role=user.role,
        created_at=format_time(account.created_at),
        updated_at=format_time(account.updated_at),
        **msgspec.structs.asdict(account.profile),
    )
