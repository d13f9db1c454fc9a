"""Single sign-on: users whom their OEM's identity provider knows.

Owns how such a user gets an account here, and what the provider may say about it later. Invariant: a provider speaks
for accounts that it brought itself; one that was made with a password is never handed to it because of its email.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from twinstream.errors import RequestError
from twinstream.model.application import ApplicationKey
from twinstream.model.check import check_text, invalid, must
from twinstream.model.principal import Operator, User
from twinstream.model.token import TokenTrio
from twinstream.model.user import END_USER, Account, check_email, check_profile
from twinstream.ports.clock import Clock
from twinstream.ports.identity import IdentityProvider, IdentityProviders
from twinstream.ports.ids import NewId
from twinstream.ports.seal import Sealer
from twinstream.ports.user import Credentials
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.account import AccountService
from twinstream.service.user import UserService
from twinstream.wire.sso import Identity, Signed, verify
from twinstream.wire.time import parse_time

WINDOW_S = 15.0
"""How far a signature's time may be from ours. Source: the documentation of single sign-on."""

LONGEST_TOKEN = 4096
"""Characters; the documentation says 255, but providers' tokens are longer today."""

_OPERATOR = Operator()


class SsoService:
    """The use cases of identity providers and of their users."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: NewId,
        sealer: Sealer,
        providers: IdentityProviders,
        users: UserService,
        accounts: AccountService,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._sealer = sealer
        self._providers = providers
        self._users = users
        self._accounts = accounts

    async def configure(self, operator: Operator, application: ApplicationKey, url: str) -> None:
        """Let an application's users be those of the identity provider that validates tokens at ``url``.

        The secret is stored sealed from then on, since the provider signs with it. Raises ``invalid``,
        ``bad_application``.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise must("url", "be of the form https://host/path")
        await self._users.find_oem(application)
        sealed = self._sealer.seal(application.app_secret)
        app_id = application.app_id
        await self._store.run(lambda work: work.applications.set_provider(operator, app_id, url, sealed))

    async def sign_in(self, application: ApplicationKey, token: str) -> TokenTrio:
        """Sign in whose token the application's identity provider says it is; the first time, make the account.

        Raises:
            RequestError: ``bad_application``; ``invalid`` for a token that is nobody's, an application without a
                provider, and an email that an account made otherwise has; ``identity_provider_failed``.
        """
        await self._users.find_oem(application)
        provider = await self._find_provider(application.app_id)
        if provider is None:
            raise RequestError("invalid", "This application has no identity provider.")
        check_text(token, field="token", shortest=1, longest=LONGEST_TOKEN)
        identity = await self._providers.validate(provider.url, token, application.app_id, application.app_secret)
        if identity is None:
            raise RequestError("invalid", "The token is not valid.", field="token")
        credentials = await self._admit(provider.oem, identity)
        return await self._users.begin(credentials, application.app_id)

    async def delete(self, app_id: str, signed: Signed, signature: str, sso_uuid: str) -> None:
        """Delete a user because the provider says so; one whom nobody knows is deleted already."""
        provider = await self.authenticate(app_id, signed, signature)

        def find(view: View) -> Account | None:
            return view.users.find_by_sso(_OPERATOR, provider.oem, sso_uuid)

        account = await self._store.query(find)
        if account is not None:
            await self._accounts.delete(account.user)

    async def authenticate(self, app_id: str, signed: Signed, signature: str) -> IdentityProvider:
        """Check that an identity provider signed this, just now.

        Raises RequestError ``unauthorized``; ``forbidden`` for an application without a provider.
        """
        provider = await self._find_provider(app_id)
        if provider is None:
            raise RequestError("forbidden", "This application has no identity provider.")
        try:
            stamp = signed.date
            at_s = parse_time(f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:11]}:{stamp[11:13]}:{stamp[13:]}")
            secret = self._sealer.unseal(provider.secret_sealed)
        except ValueError:
            raise RequestError("unauthorized") from None
        if abs(at_s - self._clock.now_s()) > WINDOW_S or not verify(signed, secret, signature):
            raise RequestError("unauthorized")
        return provider

    async def _find_provider(self, app_id: str) -> IdentityProvider | None:
        def find(view: View) -> IdentityProvider | None:
            return view.applications.find_provider(app_id)

        return await self._store.query(find)

    async def _admit(self, oem: str, identity: Identity) -> Credentials:
        email = check_email(identity.email)
        firstname = check_text(identity.firstname or "", field="firstname")
        lastname = check_text(identity.lastname or "", field="lastname")
        sso_uuid = check_text(identity.uuid, field="uuid", shortest=1)
        uuid = self._new_id.uuid()

        def admit(work: UnitOfWork) -> Credentials | None:
            known = work.users.find_by_sso(_OPERATOR, oem, sso_uuid)
            if known is None:
                if work.users.find_by_email(_OPERATOR, oem, email) is not None:
                    raise invalid("email", "belongs to an account that does not sign in this way")
                known = work.users.add(_OPERATOR, oem, uuid, email, "", END_USER, firstname, lastname)
                work.users.set_sso(_OPERATOR, uuid, sso_uuid)
            profile = msgspec.structs.replace(known.profile, phone=identity.phone, nickname=identity.nickname)
            user: User = known.user
            work.users.describe(_OPERATOR, user.uuid, firstname, lastname, check_profile(profile))
            return work.users.find_credentials(user.email, oem)

        credentials = await self._store.run(admit)
        if credentials is None:
            raise RequestError("unauthorized")
        return credentials
