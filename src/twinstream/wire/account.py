"""Bodies about accounts: signing up, confirming, changing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from twinstream.model.application import ApplicationKey
from twinstream.model.check import invalid, must
from twinstream.model.user import Profile
from twinstream.wire.body import read_body, unwrap

Told = str | UnsetType | None
"""What is left out stays; null takes it back."""


class PersonFields(msgspec.Struct, frozen=True, kw_only=True):
    """What users say of themselves."""

    firstname: Told = UNSET
    lastname: Told = UNSET
    nickname: Told = UNSET
    company: Told = UNSET
    street: Told = UNSET
    city: Told = UNSET
    state: Told = UNSET
    zip: Told = UNSET
    country: Told = UNSET
    phone_country_code: Told = UNSET
    phone: Told = UNSET
    ayla_dev_kit_num: Told = UNSET


class SignUpFields(PersonFields, frozen=True, kw_only=True):
    """Who signs up, where."""

    email: str
    password: str
    application: ApplicationKey


class SignUp(msgspec.Struct, frozen=True):
    """``{"user": {"email", "password", ..., "application": {"app_id", "app_secret"}}}``."""

    user: SignUpFields


class NewUserFields(PersonFields, frozen=True, kw_only=True):
    """Somebody whom staff make an account for; without a password they ask for one by mail."""

    email: str
    password: str | None = None


class NewUser(msgspec.Struct, frozen=True):
    """``{"user": {...}}``, also without the wrapper."""

    user: NewUserFields


class AccountChangeFields(PersonFields, frozen=True, kw_only=True):
    """What is to be otherwise; a new password needs the current one beside it."""

    current_password: str | None = None
    password: str | None = None


class AccountChange(msgspec.Struct, frozen=True):
    """``{"user": {...}}``."""

    user: AccountChangeFields


class AddressFields(msgspec.Struct, frozen=True):
    """Whose mail is asked for; some clients leave out the application."""

    email: str
    application: ApplicationKey | None = None


class AddressRequest(msgspec.Struct, frozen=True):
    """``{"user": {"email", "application": {"app_id", "app_secret"}}}``."""

    user: AddressFields


class PasswordReset(msgspec.Struct, frozen=True):
    """``{"user": {...}}``, also without the wrapper."""

    reset_password_token: str
    password: str
    password_confirmation: str | None = None


class Confirmation(msgspec.Struct, frozen=True):
    """``{"confirmation_token": "..."}``, also in ``user``."""

    confirmation_token: str


class EmailChange(msgspec.Struct, frozen=True):
    """``{"email": "..."}``, also in ``user``."""

    email: str


def read_sign_up(body: object) -> SignUpFields:
    """Read a sign-up. Raises RequestError ``invalid``."""
    return read_body(body, SignUp).user


def read_new_user(body: object) -> NewUserFields:
    """Read somebody to make an account for. Raises RequestError ``invalid``."""
    return read_body(unwrap(body, "user"), NewUserFields)


def read_account_change(body: object) -> AccountChangeFields:
    """Read a change of an account. Raises RequestError ``invalid``, also for one password without the other."""
    fields = read_body(body, AccountChange).user
    for name, given, other in (
        ("current_password", fields.current_password, fields.password),
        ("password", fields.password, fields.current_password),
    ):
        if given is None and other is not None:
            raise invalid(name, "is missing")
    return fields


def read_address(body: object) -> AddressFields:
    """Read whose mail is asked for. Raises RequestError ``invalid``."""
    return read_body(body, AddressRequest).user


def read_password_reset(body: object) -> tuple[str, str]:
    """Read the token and the new password. Raises RequestError ``invalid``, also if it is repeated otherwise."""
    fields = read_body(unwrap(body, "user"), PasswordReset)
    if fields.password_confirmation not in (None, fields.password):
        raise must("password_confirmation", "be the same as password")
    return fields.reset_password_token, fields.password


def read_confirmation(body: object) -> str:
    """Read the token. Raises RequestError ``invalid``."""
    return read_body(unwrap(body, "user"), Confirmation).confirmation_token


def read_email_change(body: object) -> str:
    """Read the new email. Raises RequestError ``invalid``."""
    return read_body(unwrap(body, "user"), EmailChange).email


def read_names(fields: PersonFields) -> dict[str, str]:
    """Answer the names that are told."""
    return {name: value or "" for name, value in _told(fields) if name in ("firstname", "lastname")}


def read_profile(fields: PersonFields) -> Callable[[Profile], Profile]:
    """Answer what is told of the profile, as a function of the present one."""
    told: dict[str, Any] = {name: value for name, value in _told(fields) if name in Profile.__struct_fields__}
    return lambda profile: msgspec.structs.replace(profile, **told)


def _told(fields: PersonFields) -> list[tuple[str, str | None]]:
    return [
        (name, value)
        for name in PersonFields.__struct_fields__
        if not isinstance(value := getattr(fields, name), UnsetType)
    ]
