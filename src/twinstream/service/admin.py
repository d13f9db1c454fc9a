"""What the operator sets up: OEMs with their users, applications and limits.

Knows no HTTP and no SQL. The same object works in a running server, behind `/admin/v1`, and on a folder that the
command line has opened by itself; devices and subscriptions have operator's use cases in their own services. Every
method takes the operator, whom `web` or the command line has authenticated. Invariant: an OEM works at once: it is
made together with access rules that let its administrators subscribe to everything.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.errors import RequestError
from twinstream.model.access_rule import RuleTerms
from twinstream.model.application import Application
from twinstream.model.check import check_text
from twinstream.model.event import EventType
from twinstream.model.oem import Oem, Retention, check_name, check_oem_id, check_retention
from twinstream.model.password import check_password
from twinstream.model.principal import Operator
from twinstream.model.subscription import ClientType
from twinstream.model.user import OEM_ADMIN, Account, check_email, check_role
from twinstream.ports.ids import NewId
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.password import Passwords
from twinstream.service.secret import hash_secret
from twinstream.service.stretch import begin_stretches
from twinstream.service.subscription import end_subscriptions
from twinstream.service.token import TokenCache


class NewApplication(msgspec.Struct, frozen=True):
    """An application just made, with its secret, which is shown this once."""

    application: Application
    app_secret: str


class AdminService:
    """The operator's use cases. ``cache`` is that of the server's `UserService`; without a server, an empty one."""

    def __init__(self, store: Store, new_id: NewId, passwords: Passwords, cache: TokenCache) -> None:
        self._store = store
        self._new_id = new_id
        self._passwords = passwords
        self._cache = cache

    async def add_oem(self, operator: Operator, name: str, oem: str | None = None) -> Oem:
        """Add an OEM; its id is made up unless given.

        Raises RequestError ``invalid``, ``conflict`` if the id is taken.
        """
        check_name(name)
        oem_id = self._new_id.secret()[:8] if oem is None else check_oem_id(oem)

        def add(work: UnitOfWork) -> Oem:
            added = work.oems.add(operator, oem_id, name)
            for kind in EventType:
                work.access_rules.add_default(operator, oem_id, RuleTerms(OEM_ADMIN, ClientType.CLOUD, kind))
            return added

        return await self._store.run(add)

    async def list_oems(self, operator: Operator) -> Sequence[Oem]:
        """List OEMs, by id."""

        def read(view: View) -> Sequence[Oem]:
            return view.oems.list_all(operator)

        return await self._store.query(read)

    async def set_retention(self, operator: Operator, oem: str, retention: Retention) -> Oem:
        """Replace both limits of an OEM's log. Raises RequestError ``invalid``, ``not_found``."""
        check_retention(retention)

        def change(work: UnitOfWork) -> Oem | None:
            return work.oems.set_retention(operator, oem, retention)

        changed = await self._store.run(change)
        if changed is None:
            raise RequestError("not_found", "There is no such OEM.")
        return changed

    async def add_application(
        self, operator: Operator, oem: str, name: str, app_id: str | None = None
    ) -> NewApplication:
        """Add an application; its id is made up unless given.

        Raises RequestError ``invalid``, ``conflict``, ``not_found``.
        """
        check_name(name)
        chosen = f"{self._new_id.code(12)}-id" if app_id is None else check_text(app_id, field="app_id", shortest=1)
        app_secret = self._new_id.secret()

        def add(work: UnitOfWork) -> Application:
            return work.applications.add(operator, oem, chosen, name, hash_secret(app_secret))

        return NewApplication(await self._store.run(add), app_secret)

    async def list_applications(self, operator: Operator, oem: str) -> Sequence[Application]:
        """List an OEM's applications, by app_id."""

        def read(view: View) -> Sequence[Application]:
            return view.applications.list_of_oem(operator, oem)

        return await self._store.query(read)

    async def add_user(
        self,
        operator: Operator,
        oem: str,
        email: str,
        password: str,
        role: str,
        *,
        firstname: str = "",
        lastname: str = "",
    ) -> Account:
        """Add a user, who can sign in at once. Raises RequestError ``invalid``, ``conflict``, ``not_found``."""
        email, role = check_email(email), check_role(role)
        check_text(firstname, field="firstname")
        check_text(lastname, field="lastname")
        password_hash = await self._passwords.hash(check_password(password))
        uuid = self._new_id.uuid()

        def add(work: UnitOfWork) -> Account:
            return work.users.add(operator, oem, uuid, email, password_hash, role, firstname, lastname)

        return await self._store.run(add)

    async def list_users(self, operator: Operator, oem: str) -> Sequence[Account]:
        """List an OEM's users, by id."""

        def read(view: View) -> Sequence[Account]:
            return view.users.list_of_oem(operator, oem)

        return await self._store.query(read)

    async def change_user(
        self, operator: Operator, uuid: str, *, role: str | None = None, password: str | None = None
    ) -> Account:
        """Change a user's role or password or both; either signs the user out.

        A new role takes the user's subscriptions with it: from then on the access rules for that role bear on them.

        Raises:
            RequestError: ``invalid``, ``not_found``.
        """
        if role is not None:
            check_role(role)
        password_hash = None if password is None else await self._passwords.hash(check_password(password))

        def change(work: UnitOfWork) -> tuple[Account, Sequence[str]]:
            account = _found(work.users.find(operator, uuid))
            if role is not None:
                account = _found(work.users.set_role(operator, uuid, role))
                work.role_labels.remove_all(account.user.id)
                begin_stretches(work, work.subscriptions.set_role(operator, uuid, role))
            if password_hash is not None:
                account = _found(work.users.set_password(operator, uuid, password_hash))
            return account, work.tokens.revoke_user(account.user.id)

        account, revoked = await self._store.run(change)
        self._cache.drop(revoked)
        return account

    async def remove_user(self, operator: Operator, uuid: str) -> None:
        """Delete a user with tokens, shares and subscriptions, whose sockets are closed.

        Raises:
            RequestError: ``not_found``; ``conflict`` while the user owns a device.
        """

        def remove(work: UnitOfWork) -> Sequence[str]:
            account = _found(work.users.find(operator, uuid))
            revoked = work.tokens.revoke_user(account.user.id)
            end_subscriptions(work, operator, work.subscriptions.list_of_user(operator, uuid))
            work.users.remove(operator, uuid)
            return revoked

        self._cache.drop(await self._store.run(remove))


def _found(account: Account | None) -> Account:
    if account is None:
        raise RequestError("not_found", "There is no such user.")
    return account
