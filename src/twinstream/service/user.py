"""Users sign in, stay signed in and sign out.

Owns the life of tokens: an access token lives a day, its refresh token replaces both once, and one that comes a
second time revokes all that grew out of the same sign-in, but for a repetition at once (`ports.token`). Knows no HTTP
and no SQL. Invariant: nothing that an answer says or how long it takes tells whether an account exists.
"""

from __future__ import annotations

import asyncio
from math import inf

import structlog

from twinstream.errors import RequestError
from twinstream.model.application import ApplicationKey
from twinstream.model.check import must
from twinstream.model.password import PASSWORD_LIMIT_BYTES
from twinstream.model.principal import User
from twinstream.model.token import TokenTrio
from twinstream.model.user import Account, normalise_email
from twinstream.ports.clock import Clock
from twinstream.ports.ids import NewId
from twinstream.ports.user import Credentials
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.lockout import Lockout
from twinstream.service.password import Passwords
from twinstream.service.secret import hash_secret
from twinstream.service.token import LONGEST_TOKEN, TokenCache, new_pair

IDLE_S = 90 * 86_400.0
"""A refresh token that nobody used for so long is void, unless the operator chooses otherwise."""

_log = structlog.get_logger(__name__)


class UserService:
    """The use cases of users. One per server; call on the event loop."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: NewId,
        passwords: Passwords,
        lockout: Lockout,
        cache: TokenCache,
        *,
        lifetime_s: float = 86_400.0,
        idle_s: float = IDLE_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._passwords = passwords
        self._lockout = lockout
        self._cache = cache
        self._lifetime_s = lifetime_s
        self._idle_s = idle_s or inf

    async def sign_in(self, email: str, password: str, application: ApplicationKey | None, source: str) -> TokenTrio:
        """Sign a user in.

        Without an application the user is looked for in all OEMs, and found if only one of them has the email.

        Args:
            email: in any spelling.
            password: as typed.
            application: decides the OEM; checked before the user is.
            source: the address that the request came from; failures are counted for it.

        Raises:
            RequestError: ``bad_application`` (404); ``bad_sign_in`` (401); ``locked`` (401) after five failures in a
                row; ``unconfirmed`` (401) for the right password before the email was confirmed; ``invalid`` for a
                password that is too long to look at; ``too_many_requests``.
        """
        if len(password.encode("utf-8", "surrogatepass")) > PASSWORD_LIMIT_BYTES:
            raise must("password", f"have at most {PASSWORD_LIMIT_BYTES} bytes")
        oem = await self.find_oem(application)
        email = normalise_email(email)[:255]
        credentials = await self.check_password(oem, email, password, source)
        if not credentials.confirmed:
            raise RequestError("unconfirmed")
        return await self.begin(credentials, application.app_id if application else None)

    async def begin(self, credentials: Credentials, app_id: str | None) -> TokenTrio:
        """Begin a family of tokens for a user who has shown who they are.

        Raises RequestError ``bad_sign_in`` if user or password have changed since ``credentials`` were read.
        """
        access_token, refresh_token, pair = new_pair(self._new_id, self._clock.now_s(), self._lifetime_s)
        family = self._new_id.uuid()

        def add(work: UnitOfWork) -> bool:
            return work.tokens.add(credentials, family, app_id, pair)

        if not await self._store.run(add):
            raise RequestError("bad_sign_in")
        _log.info("signed in", user_uuid=credentials.user.uuid, oem=credentials.user.oem, app_id=app_id)
        return TokenTrio(access_token, refresh_token, int(self._lifetime_s), credentials.user.role)

    async def refresh(self, refresh_token: str) -> TokenTrio:
        """Replace both tokens; the old ones are void from then on.

        A client that got no answer may ask again: what nobody got, and nobody has used, is replaced within a minute.

        Raises:
            RequestError: ``unauthorized`` for an unknown, idle or used token; a used one revokes its whole family.
        """
        refresh_hash = hash_secret(refresh_token)
        access_token, new_refresh_token, pair = new_pair(self._new_id, self._clock.now_s(), self._lifetime_s)
        idle_s, is_used = self._idle_s, self._cache.holds
        refreshed = await self._store.run(lambda work: work.tokens.refresh(refresh_hash, pair, idle_s, is_used))
        self._cache.drop(refreshed.revoked)
        if refreshed.user is None:
            raise RequestError("unauthorized", "The refresh token is unknown, expired or used.")
        return TokenTrio(access_token, new_refresh_token, int(self._lifetime_s), refreshed.user.role)

    async def sign_out(self, access_token: str) -> None:
        """Revoke the token and all that grew out of its sign-in. A token that is not in force is signed out already."""
        access_hash = hash_secret(access_token)
        self._cache.drop(await self._store.run(lambda work: work.tokens.revoke_family(access_hash)))

    async def authenticate(self, access_token: str) -> User:
        """Answer whose access token this is; a token that was verified lately costs no query.

        Raises:
            RequestError: ``unauthorized`` for a token that is not in force.
        """
        if len(access_token) > LONGEST_TOKEN:
            raise RequestError("unauthorized")
        access_hash = hash_secret(access_token)
        user = self._cache.find(access_hash, self._clock.now_s())
        return user or await self._find_user(access_hash)

    async def get_profile(self, user: User) -> Account:
        """Answer the user's own account. Raises RequestError ``unauthorized`` if it was deleted meanwhile."""

        def find(view: View) -> Account | None:
            return view.users.profile(user)

        account = await self._store.query(find)
        if account is None:
            raise RequestError("unauthorized")
        return account

    async def find_oem(self, application: ApplicationKey | None) -> str | None:
        """Find the OEM of an application; None for none. Raises RequestError ``bad_application``."""
        if application is None:
            return None
        app_id, secret_hash = application.app_id, hash_secret(application.app_secret)
        found = await self._store.query(lambda view: view.applications.find_by_secret(app_id, secret_hash))
        if found is None:
            raise RequestError("bad_application")
        return str(found.oem)

    async def check_password(self, oem: str | None, email: str, password: str, source: str) -> Credentials:
        """Find the user whose email (in normal form) and password these are, counting failures.

        Raises RequestError ``bad_sign_in``, ``locked``, ``too_many_requests``.
        """
        account = f"{oem or '*'} {email}"
        self._lockout.check(account, source)
        await asyncio.sleep(self._lockout.delay_s(account))

        def find(view: View) -> Credentials | None:
            return view.users.find_credentials(email, oem)

        credentials = await self._store.query(find)
        right = await self._passwords.verify(
            credentials.password_hash if credentials else None,
            password,
            first=lambda: self._lockout.check(account, source),  # of many at once, too, only a few are looked at
        )
        if credentials is None or not right:
            self._lockout.fail(account, source)
            _log.warning("sign-in failed", source=source, user_uuid=credentials.user.uuid if credentials else None)
            raise RequestError("bad_sign_in")
        self._lockout.succeed(account, source)
        return credentials

    async def expire(self, *, limit: int = 1000) -> int:
        """Delete up to ``limit`` pairs that nothing can refresh any more; answer how many. Call now and then."""
        before_s = self._clock.now_s() - self._idle_s
        return await self._store.run(lambda work: work.tokens.remove_idle(before_s, limit))

    async def _find_user(self, access_hash: str) -> User:
        generation = self._cache.generation

        def find(view: View) -> tuple[User, float] | None:
            return view.tokens.find_user(access_hash)

        found = await self._store.query(find)
        if found is None or found[1] <= self._clock.now_s():
            raise RequestError("unauthorized")
        self._cache.keep(access_hash, *found, generation)
        return found[0]
