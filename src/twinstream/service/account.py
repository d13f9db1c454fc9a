"""Accounts: made by whoever signs up, or for them by staff, confirmed, changed, and deleted by their users.

Owns what each of these takes with it. Knows no HTTP, no SQL, and of mail only when one is due. Invariants: a token in a
mail works once and for a while; who asks for one learns nothing about who has an account; after a change of password or
email nobody who knew the old one is signed in, and no mobile subscription that they may have made is open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from twinstream.errors import RequestError
from twinstream.model.application import ApplicationKey
from twinstream.model.check import check_text, invalid
from twinstream.model.mail import Mail, write_confirmation, write_email_change, write_password_reset, write_welcome
from twinstream.model.password import check_password
from twinstream.model.principal import Operator, User
from twinstream.model.subscription import ClientType
from twinstream.model.user import END_USER, Account, Profile, check_email, check_profile, check_role, normalise_email
from twinstream.ports.ids import NewId
from twinstream.ports.ticket import Purpose
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.lockout import Lockout
from twinstream.service.outbox import Outbox
from twinstream.service.password import Passwords
from twinstream.service.registration import RegistrationService
from twinstream.service.secret import hash_secret
from twinstream.service.subscription import end_subscriptions
from twinstream.service.token import TokenCache
from twinstream.service.user import UserService

LIFETIMES_S = {Purpose.CONFIRM_EMAIL: 72 * 3600.0, Purpose.SET_PASSWORD: 6 * 3600.0}
"""How long a token in a mail works; the mails say so. Source of the six hours: the documented behaviour (facts 2.2)."""

_OPERATOR = Operator()
"""Every use case here acts on the caller's own account, or on the one whose mail a token was in."""


class Person(msgspec.Struct, frozen=True):
    """What users can say of themselves."""

    firstname: str = ""
    lastname: str = ""
    profile: Profile = Profile()


class AccountService:
    """The use cases of accounts. Without ``confirm_email`` every address is believed.

    ``mailed`` counts the mails that strangers ask for: after a few to one address it gets no more for a while.
    """

    def __init__(
        self,
        store: Store,
        new_id: NewId,
        passwords: Passwords,
        cache: TokenCache,
        users: UserService,
        outbox: Outbox,
        registrations: RegistrationService,
        mailed: Lockout,
        *,
        confirm_email: bool = True,
    ) -> None:
        self._store = store
        self._new_id = new_id
        self._passwords = passwords
        self._cache = cache
        self._users = users
        self._outbox = outbox
        self._registrations = registrations
        self._mailed = mailed
        self._confirm_email = confirm_email

    async def sign_up(self, application: ApplicationKey, email: str, password: str, person: Person) -> Account:
        """Make an account in the application's OEM, and mail a token that confirms it.

        Raises RequestError ``bad_application``; ``invalid``, also for an email that is taken.
        """
        oem = await self._users.find_oem(application) or ""
        account, token = await self._add(oem, email, password, person)
        if token is not None:
            self._outbox.post(write_confirmation(account.user.email, token))
        return account

    async def create(
        self,
        oem: str,
        email: str,
        password: str | None,
        person: Person,
        *,
        role: str = END_USER,
        then: Callable[[UnitOfWork, Account], None] | None = None,
    ) -> Account:
        """Make an account in somebody's place, and welcome them by mail; the caller has looked who may.

        Without a password they ask for one by mail. ``then`` is done in the same transaction.

        Raises RequestError ``invalid``, also for an email that is taken, and what ``then`` raises.
        """
        check_role(role)
        account, token = await self._add(oem, email, password, person, role, then)
        with suppress(RequestError):  # the account stands, also if too much mail is on its way
            self._outbox.post(write_welcome(account.user.email, token))
        return account

    async def resend_confirmation(self, application: ApplicationKey | None, email: str) -> None:
        """Mail another token to a user who has not confirmed; to nobody else. Raises ``bad_application``."""
        await self._mail(application, email, Purpose.CONFIRM_EMAIL, write_confirmation)

    async def ask_password(self, application: ApplicationKey | None, email: str) -> None:
        """Mail a token that sets a new password, if there is such a user. Raises ``bad_application``."""
        await self._mail(application, email, Purpose.SET_PASSWORD, write_password_reset)

    async def confirm(self, token: str) -> Account:
        """Believe the email that the token was sent to, which may take the place of another.

        Raises RequestError ``invalid`` for a token that is unknown, used or too old, and for an email taken meanwhile.
        """
        ticket_hash = hash_secret(token)

        def confirm(work: UnitOfWork) -> Account:
            ticket = work.tickets.take(ticket_hash, Purpose.CONFIRM_EMAIL)
            if ticket is None:
                raise invalid("confirmation_token", "is unknown, used or too old")
            return _confirm(work, ticket.user_uuid, ticket.email)

        account = await self._store.run(confirm)
        self._cache.drop(())
        return account

    async def reset_password(self, token: str, password: str) -> None:
        """Set the password of whose mail the token was in; their email is confirmed with it, and they are signed out.

        Raises RequestError ``invalid`` for a token that is unknown, used or too old, and for such a password.
        """
        password_hash = await self._passwords.hash(check_password(password))
        ticket_hash = hash_secret(token)

        def reset(work: UnitOfWork) -> Sequence[str]:
            ticket = work.tickets.take(ticket_hash, Purpose.SET_PASSWORD)
            account = None if ticket is None else work.users.find(_OPERATOR, ticket.user_uuid)
            if ticket is None or account is None or account.user.email != ticket.email:
                raise invalid("reset_password_token", "is unknown, used or too old")
            work.users.confirm(_OPERATOR, ticket.user_uuid, ticket.email)
            work.users.set_password(_OPERATOR, ticket.user_uuid, password_hash)
            return _sign_out(work, account)

        self._cache.drop(await self._store.run(reset))

    async def get(self, user: User, uuid: str) -> Account:
        """Answer the user's own account; staff see all of their OEM. Raises RequestError ``not_found``."""

        def find(view: View) -> Account | None:
            return view.users.find(_OPERATOR, uuid)

        account = await self._store.query(find)
        may = uuid == user.uuid or user.role.startswith("OEM::")
        if account is None or account.user.oem != user.oem or not may:
            raise RequestError("not_found")
        return account

    async def describe(self, user: User, change: Callable[[Person], Person]) -> Account:
        """Change what the user says of themselves. Raises RequestError ``invalid``."""

        def describe(work: UnitOfWork) -> Account | None:
            present = _own(work, user)
            person = _check(change(Person(present.firstname, present.lastname, present.profile)))
            return work.users.describe(_OPERATOR, user.uuid, person.firstname, person.lastname, person.profile)

        return await self._store.run(describe) or await self._users.get_profile(user)

    async def change_password(self, user: User, access_token: str, current: str, password: str, source: str) -> None:
        """Set another password; whoever is signed in otherwise than with this token is signed out.

        Raises:
            RequestError: ``invalid`` for a wrong current password, which counts as a failed sign-in, and for such a
                new one; ``locked``; ``too_many_requests``.
        """
        check_password(password, user.email)
        try:
            await self._users.check_password(user.oem, user.email, current, source)
        except RequestError as error:
            if error.code == "bad_sign_in":
                raise invalid("current_password", "is wrong") from None
            raise
        password_hash = await self._passwords.hash(password)

        def change(work: UnitOfWork) -> Sequence[str]:
            account = _own(work, user)
            work.users.set_password(_OPERATOR, user.uuid, password_hash)
            return _sign_out(work, account, keep=hash_secret(access_token))

        self._cache.drop(await self._store.run(change))

    async def change_email(self, user: User, email: str) -> None:
        """Give the user another email, once a token mailed there comes back; sign the user out at once.

        Until then the old email signs in. Without ``confirm_email`` the new one does so from now on.

        Raises RequestError ``invalid``, also for an email that is taken.
        """
        email, token = check_email(email), self._new_id.secret()

        def change(work: UnitOfWork) -> Sequence[str]:
            account = _own(work, user)
            other = work.users.find_by_email(_OPERATOR, user.oem, email)
            if other is not None and other.user.uuid != user.uuid:
                raise invalid("email", "is taken")
            revoked = _sign_out(work, account)
            if self._confirm_email:
                _issue(work, account, Purpose.CONFIRM_EMAIL, token, email)
            else:
                _confirm(work, user.uuid, email)
            return revoked

        self._cache.drop(await self._store.run(change))
        if self._confirm_email:
            self._outbox.post(write_confirmation(email, token))
        self._outbox.post(write_email_change(user.email, email))

    async def delete(self, user: User) -> None:
        """Delete the user: devices lose their owner, with the events of that; everything else of theirs is gone.

        Sockets are closed. The last administrator of an OEM stays: RequestError ``conflict``.
        """

        def delete(work: UnitOfWork) -> Sequence[str]:
            account = _own(work, user)
            keep_an_administrator(work, account)
            self._registrations.release_all(work, account.user)
            revoked = work.tokens.revoke_user(user.id)
            end_subscriptions(work, _OPERATOR, work.subscriptions.list_of_user(_OPERATOR, user.uuid))
            work.users.remove(_OPERATOR, user.uuid)
            return revoked

        self._cache.drop(await self._store.run(delete))

    async def expire(self, *, limit: int = 200) -> int:
        """Delete tickets that are too old, and up to ``limit`` users who signed up and never confirmed; answer those.

        Call now and then.
        """

        def remove(work: UnitOfWork) -> int:
            work.tickets.remove_expired()
            before_s = work.now_s - LIFETIMES_S[Purpose.CONFIRM_EMAIL]
            strangers = work.users.list_unconfirmed(_OPERATOR, before_s, limit)
            for stranger in strangers:
                self._registrations.release_all(work, stranger.user)
                work.users.remove(_OPERATOR, stranger.user.uuid)
            return len(strangers)

        return await self._store.run(remove)

    async def _add(
        self,
        oem: str,
        email: str,
        password: str | None,
        person: Person,
        role: str = END_USER,
        then: Callable[[UnitOfWork, Account], None] | None = None,
    ) -> tuple[Account, str | None]:
        """Make an account; answer it and the token that confirms its email, if one is needed."""
        email = check_email(email)
        _check(person)
        chosen = self._new_id.secret() if password is None else check_password(password, email)
        password_hash = await self._passwords.hash(chosen)
        uuid, token = self._new_id.uuid(), self._new_id.secret() if self._confirm_email else None

        def add(work: UnitOfWork) -> Account:
            if work.users.find_by_email(_OPERATOR, oem, email) is not None:
                raise invalid("email", "is taken")
            account = work.users.add(
                _OPERATOR,
                oem,
                uuid,
                email,
                password_hash,
                role,
                person.firstname,
                person.lastname,
                profile=person.profile,
                confirmed=token is None,
            )
            if token is not None:
                _issue(work, account, Purpose.CONFIRM_EMAIL, token, email)
            if then is not None:
                then(work, account)
            return account

        return await self._store.run(add), token

    async def _mail(
        self, application: ApplicationKey | None, email: str, purpose: Purpose, write: Callable[[str, str], Mail]
    ) -> None:
        oem = await self._users.find_oem(application)
        email, token = normalise_email(email)[:255], self._new_id.secret()
        try:
            self._mailed.check(email, purpose)
        except RequestError:
            return
        self._mailed.fail(email, purpose)

        def issue(work: UnitOfWork) -> bool:
            found = work.users.find_credentials(email, oem)
            account = None if found is None else work.users.find(_OPERATOR, found.user.uuid)
            if account is None or (purpose is Purpose.CONFIRM_EMAIL and account.confirmed):
                return False
            _issue(work, account, purpose, token, email)
            return True

        if await self._store.run(issue):
            self._outbox.post(write(email, token))


def keep_an_administrator(work: View, account: Account) -> None:
    """Raise RequestError ``conflict`` if this is the only administrator of the OEM."""
    admins = [other for other in work.users.list_of_oem(_OPERATOR, account.user.oem) if other.user.role == "OEM::Admin"]
    if [admin.user.uuid for admin in admins] == [account.user.uuid]:
        raise RequestError("conflict", "This is the only administrator of the OEM.")


def _own(work: View, user: User) -> Account:
    account = work.users.profile(user)
    if account is None:  # deleted since the token was looked up
        raise RequestError("unauthorized")
    return account


def _check(person: Person) -> Person:
    check_text(person.firstname, field="firstname")
    check_text(person.lastname, field="lastname")
    check_profile(person.profile)
    return person


def _issue(work: UnitOfWork, account: Account, purpose: Purpose, token: str, email: str) -> None:
    work.tickets.add(account.user.id, purpose, hash_secret(token), email, work.now_s + LIFETIMES_S[purpose])


def _confirm(work: UnitOfWork, uuid: str, email: str) -> Account:
    try:
        account = work.users.confirm(_OPERATOR, uuid, email)
    except RequestError:
        raise invalid("email", "is taken") from None
    if account is None:
        raise RequestError("not_found")
    return account


def _sign_out(work: UnitOfWork, account: Account, *, keep: str = "") -> Sequence[str]:
    """End what somebody who knew the password may have begun; answer the access hashes revoked."""
    uuid = account.user.uuid
    work.tickets.remove_all(account.user.id)
    mobile = [
        one for one in work.subscriptions.list_of_user(_OPERATOR, uuid) if one.terms.client_type is ClientType.MOBILE
    ]
    end_subscriptions(work, _OPERATOR, mobile)
    return work.tokens.revoke_user(account.user.id, keep=keep)
