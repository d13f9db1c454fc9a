"""Associations: users tied to whoever has a role with a label, a dealer for one.

A tie is to the role and label, not to the person: whoever has both sees it, and who loses one of them sees it no more.
Invariants: a tie gives nobody access to anything (only a share does); it stays within an OEM; nobody but an
administrator ties somebody else, and both sides can end it.
"""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.errors import RequestError
from twinstream.model.association import MOST_ASSOCIATIONS, Association
from twinstream.model.check import check_text, invalid, must
from twinstream.model.principal import Operator, User
from twinstream.model.user import END_USER, Account, check_role, normalise_email
from twinstream.ports.role import RoleLabel
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.account import AccountService, Person
from twinstream.service.principal import require_admin, require_staff

_OPERATOR = Operator()
"""Every use case here stays in the caller's OEM."""


class AssociationService:
    """The use cases of users, administrators, and users in a role."""

    def __init__(self, store: Store, accounts: AccountService) -> None:
        self._store = store
        self._accounts = accounts

    async def associate(self, user: User, label: RoleLabel, email: str | None = None) -> None:
        """Tie the caller, or as administrator the user with this email, in place of a tie to the same role and key.

        Raises:
            RequestError: ``invalid``; ``forbidden``; ``not_found`` if nobody has the email, or the role and label.
        """
        check_role(label.role)
        if label.role == END_USER:
            raise must("role", "be a role of the OEM")
        check_text(label.key, field="label", shortest=1)
        check_text(label.value, field="label")

        def put(work: UnitOfWork) -> None:
            user_id = _choose(work, user, email)
            if not work.role_labels.find_users(user.oem, label.role, label.key, label.value):
                raise RequestError("not_found", "Nobody has this role with this label.")
            _put(work, user_id, label)

        await self._store.run(put)

    async def disassociate(self, user: User, role: str, key: str, email: str | None = None) -> None:
        """End a tie of the caller, or as administrator of the user with this email.

        Raises:
            RequestError: ``forbidden``; ``not_found`` if nobody has the email, or there is no such tie.
        """

        def remove(work: UnitOfWork) -> bool:
            return work.associations.remove(_choose(work, user, email), role, key)

        if not await self._store.run(remove):
            raise RequestError("not_found")

    async def dismiss(self, staff: User, email: str) -> None:
        """End all ties of a user to the caller's role and labels.

        Raises RequestError ``forbidden``; ``not_found``, also for a user who is not tied to the caller.
        """
        require_staff(staff)
        wanted = normalise_email(email)

        def remove(work: UnitOfWork) -> bool:
            ties = [tie for tie in _list_of_role_user(work, staff) if tie.email == wanted]
            for tie in ties:
                work.associations.remove(tie.user_id, tie.role, tie.key)
            return bool(ties)

        if not await self._store.run(remove):
            raise RequestError("not_found", "No user with this user_email is tied to you.")

    async def list_all(self, user: User) -> Sequence[Association]:
        """List the ties that the caller is on either side of: their own first."""

        def read(view: View) -> Sequence[Association]:
            return [*view.associations.list_of_user(user.id), *_list_of_role_user(view, user)]

        return await self._store.query(read)

    async def create_user(self, staff: User, email: str, password: str | None, person: Person) -> Account:
        """Make an end user who is tied to the caller's role and labels, and welcome them by mail.

        Raises RequestError ``forbidden``; ``invalid``, also for a caller without a label.
        """
        require_staff(staff)

        def tie(work: UnitOfWork, account: Account) -> None:
            labels = _list_labels(work, staff)
            if not labels:
                raise invalid("label", "is missing: you have none that a user could be tied to")
            for label in labels:
                _put(work, account.user.id, label)

        return await self._accounts.create(staff.oem, email, password, person, then=tie)


def _choose(work: UnitOfWork, caller: User, email: str | None) -> int:
    """Answer the id of whom a request is about: the caller unless an email says otherwise."""
    wanted = caller.email if email is None else normalise_email(email)
    if wanted != caller.email:
        require_admin(caller)
    account = work.users.find_by_email(_OPERATOR, caller.oem, wanted)
    if account is None:
        raise RequestError("not_found", "No user has this user_email.")
    return account.user.id


def _put(work: UnitOfWork, user_id: int, label: RoleLabel) -> None:
    others = [tie for tie in work.associations.list_of_user(user_id) if (tie.role, tie.key) != (label.role, label.key)]
    if len(others) >= MOST_ASSOCIATIONS:
        raise invalid("label", f"is one too many: a user is tied to at most {MOST_ASSOCIATIONS}")
    work.associations.put(user_id, label)


def _list_labels(view: View, user: User) -> list[RoleLabel]:
    return [label for label in view.role_labels.list_of_user(user.id) if label.role == user.role != END_USER]


def _list_of_role_user(view: View, user: User) -> list[Association]:
    return [tie for label in _list_labels(view, user) for tie in view.associations.list_of_label(user.oem, label)]
