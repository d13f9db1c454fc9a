"""Stored users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from twinstream.model.principal import Operator, User
from twinstream.model.user import Account, Profile


class Credentials(msgspec.Struct, frozen=True):
    """What signing in compares: a user and the hash of the password, as `service.password` wrote it."""

    user: User
    password_hash: str
    confirmed: bool = True


class Users(Protocol):
    """Accounts of all OEMs. Emails are in normal form; (OEM, email) is unique."""

    def add(
        self,
        operator: Operator,
        oem: str,
        uuid: str,
        email: str,
        password_hash: str,
        role: str,
        firstname: str,
        lastname: str,
        *,
        profile: Profile = Profile(),  # noqa: B008  # frozen
        confirmed: bool = True,
    ) -> Account:
        """Add one; who is not ``confirmed`` has still to show that the email is theirs.

        Raises RequestError ``conflict`` if the email is taken, ``not_found`` if there is no such OEM.
        """

    def find_by_email(self, operator: Operator, oem: str, email: str) -> Account | None:
        """Find an OEM's user by normal form of the email."""

    def find_by_sso(self, operator: Operator, oem: str, sso_uuid: str) -> Account | None:
        """Find an OEM's user by the name that its identity provider has for them."""

    def set_sso(self, operator: Operator, uuid: str, sso_uuid: str) -> None:
        """Say by which name the OEM's identity provider knows a user."""

    def find(self, operator: Operator, uuid: str) -> Account | None:
        """Find any user by uuid."""

    def list_of_oem(self, operator: Operator, oem: str) -> Sequence[Account]:
        """List an OEM's users, by id."""

    def profile(self, user: User) -> Account | None:
        """Find the calling user's own account; None if it was deleted meanwhile."""

    def find_credentials(self, email: str, oem: str | None) -> Credentials | None:
        """Find who signs in, by normal form of the email.

        ``oem`` None: in all OEMs, provided that only one of them has this email.
        It takes no principal: it is part of finding out who calls.
        """

    def set_role(self, operator: Operator, uuid: str, role: str) -> Account | None:
        """Change a user's role. None if there is no such user."""

    def describe(
        self, operator: Operator, uuid: str, firstname: str, lastname: str, profile: Profile
    ) -> Account | None:
        """Replace what a user has told about themselves. None if there is no such user."""

    def confirm(self, operator: Operator, uuid: str, email: str) -> Account | None:
        """Give a user an email that is known to be theirs. None if there is no such user.

        Raises RequestError ``conflict`` if another user of the OEM has it.
        """

    def list_unconfirmed(self, operator: Operator, before_s: float, limit: int) -> Sequence[Account]:
        """List up to ``limit`` users made before this time who have neither confirmed their email nor still can."""

    def set_password(self, operator: Operator, uuid: str, password_hash: str) -> Account | None:
        """Change a user's password. None if there is no such user."""

    def remove(self, operator: Operator, uuid: str) -> bool:
        """Delete a user with tokens and shares. Raises RequestError ``conflict`` while the user owns a device."""
