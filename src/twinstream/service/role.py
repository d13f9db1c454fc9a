"""Roles of an OEM's users, given and taken by its administrators, and the labels that qualify them.

Invariants: nobody reaches into another OEM; an OEM is never without an administrator; a user has one role, and labels
of that role alone: who changes it loses them, and is signed out.
"""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.errors import RequestError
from twinstream.model.check import check_text, invalid
from twinstream.model.principal import Operator, User
from twinstream.model.user import END_USER, OEM_ADMIN, Account, check_role, normalise_email
from twinstream.ports.role import RoleLabel
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.account import AccountService, Person, keep_an_administrator
from twinstream.service.principal import require_admin, require_staff
from twinstream.service.stretch import begin_stretches
from twinstream.service.token import TokenCache

MOST_LABELS = 32
"""Of one user."""

_OPERATOR = Operator()
"""Every use case here looks first whether the caller may, and stays in the caller's OEM."""


class RoleService:
    """The use cases of administrators (changes) and staff (lists). All raise ``forbidden`` for others."""

    def __init__(self, store: Store, cache: TokenCache, accounts: AccountService) -> None:
        self._store = store
        self._cache = cache
        self._accounts = accounts

    async def assign(self, admin: User, email: str, role: str) -> None:
        """Give a user of the OEM a role in place of theirs. Raises ``not_found``, ``invalid``, ``conflict``."""
        require_admin(admin)
        check_role(role)

        def assign(work: UnitOfWork) -> Sequence[str]:
            return _put_in_role(work, _find(work, admin, email), role)

        self._cache.drop(await self._store.run(assign))

    async def revoke(self, admin: User, email: str, role: str) -> None:
        """Take a role from a user, who is an end user then. Raises ``not_found``, ``invalid``, ``conflict``."""
        require_admin(admin)

        def revoke(work: UnitOfWork) -> Sequence[str]:
            return _put_in_role(work, _find_in_role(work, admin, email, role), END_USER)

        self._cache.drop(await self._store.run(revoke))

    async def assign_label(self, admin: User, email: str, label: RoleLabel) -> None:
        """Give a user in a role a label. Raises ``not_found``, ``invalid``."""
        require_admin(admin)
        check_text(label.key, field="label", shortest=1)
        check_text(label.value, field="label")

        def assign(work: UnitOfWork) -> None:
            user_id = _find_in_role(work, admin, email, label.role).user.id
            if len(work.role_labels.list_of_user(user_id)) >= MOST_LABELS:
                raise invalid("label", f"is one too many: there are at most {MOST_LABELS}")
            work.role_labels.put(user_id, label)

        await self._store.run(assign)

    async def revoke_label(self, admin: User, email: str, role: str, key: str) -> None:
        """Take a label from a user. Raises ``not_found``, ``invalid``."""
        require_admin(admin)

        def revoke(work: UnitOfWork) -> bool:
            return work.role_labels.remove(_find_in_role(work, admin, email, role).user.id, role, key)

        if not await self._store.run(revoke):
            raise RequestError("not_found")

    async def create_user(self, admin: User, email: str, password: str | None, person: Person, role: str) -> Account:
        """Make a user in a role, and welcome them by mail. Raises ``invalid``, also for an email that is taken."""
        require_admin(admin)
        return await self._accounts.create(admin.oem, email, password, person, role=role)

    async def list_labels(self, staff: User, email: str) -> Sequence[RoleLabel]:
        """List a user's labels. Raises ``not_found``."""
        require_staff(staff)

        def read(view: View) -> Sequence[RoleLabel]:
            return view.role_labels.list_of_user(_find(view, staff, email).user.id)

        return await self._store.query(read)

    async def list_users(
        self, staff: User, *, role: str | None = None, label: tuple[str, str] | None = None
    ) -> Sequence[Account]:
        """List the OEM's users by id: all, or those in a role, or with a label (key and value), or both."""
        require_staff(staff)

        def read(view: View) -> Sequence[Account]:
            labelled = None if label is None else set(view.role_labels.find_users(staff.oem, role, *label))
            return [
                account
                for account in view.users.list_of_oem(_OPERATOR, staff.oem)
                if role in (None, account.user.role) and (labelled is None or account.user.uuid in labelled)
            ]

        return await self._store.query(read)


def _find(view: View, caller: User, email: str) -> Account:
    account = view.users.find_by_email(_OPERATOR, caller.oem, normalise_email(email))
    if account is None:
        raise RequestError("not_found", "No user has this user_email.")
    return account


def _find_in_role(view: View, caller: User, email: str, role: str) -> Account:
    account = _find(view, caller, email)
    if account.user.role != role:
        raise invalid("role", "is not the user's")
    return account


def _put_in_role(work: UnitOfWork, account: Account, role: str) -> Sequence[str]:
    """Change a role, with all that hangs on it; answer the access hashes revoked."""
    uuid = account.user.uuid
    if role == account.user.role:
        return ()
    if account.user.role == OEM_ADMIN:
        keep_an_administrator(work, account)
    work.users.set_role(_OPERATOR, uuid, role)
    work.role_labels.remove_all(account.user.id)
    begin_stretches(work, work.subscriptions.set_role(_OPERATOR, uuid, role))
    return work.tokens.revoke_user(account.user.id)
