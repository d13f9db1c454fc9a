"""The services behind the HTTP application, without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.services import OPERATOR, PASSWORD, Services
from twinstream.outbound.identity import HttpIdentityProviders
from twinstream.service.account import AccountService
from twinstream.service.association import AssociationService
from twinstream.service.authentication import DeviceAuthentication
from twinstream.service.command import Deliveries
from twinstream.service.device import DeviceService
from twinstream.service.lockout import Lockout
from twinstream.service.presence import PresenceService
from twinstream.service.registration import RegistrationService
from twinstream.service.role import RoleService
from twinstream.service.sso import SsoService
from twinstream.web import (
    access_rule,
    account,
    admin,
    association,
    contact,
    datum,
    insight,
    link,
    role,
    share,
    sso,
    subscription,
    token,
    user,
)
from twinstream.web.address import Addresses
from twinstream.web.app import create_app
from twinstream.web.outer import RequestIds

ROUTES = [
    *user.ROUTES,
    *account.ROUTES,
    *token.ROUTES,
    *sso.ROUTES,
    *subscription.ROUTES,
    *insight.ROUTES,
    *access_rule.ROUTES,
    *share.ROUTES,
    *datum.USER_ROUTES,
    *contact.ROUTES,
    *link.ROUTES,
    *role.ROUTES,
    *association.ROUTES,
    *admin.ROUTES,
]
OPERATOR_HEADERS = {"authorization": "auth_token operator"}


class Api:
    """Talks to the application as one client after the other, all from this machine."""

    def __init__(self, http: httpx.AsyncClient, services: Services, accounts: AccountService) -> None:
        self.http = http
        self.services = services
        self.accounts = accounts

    async def call(
        self, status: int, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Any:
        """Make a request that is to be answered with this status; answer the JSON of its body, None if it is empty."""
        content = {"json": body} if body is not None else {}
        answer = await self.http.request(method, path, headers=headers or {}, **content)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def sign_in(self, email: str) -> dict[str, str]:
        """Sign a user in; answer the header for further requests."""
        body = {"user": {"email": email, "password": PASSWORD}}
        trio = await self.call(200, "POST", "/users/sign_in.json", body)
        return {"authorization": f"auth_token {trio['access_token']}"}

    async def join(self, oem: str, name: str, role: str = "EndUser") -> dict[str, str]:
        """Add a user (and the OEM) and sign in; answer the header for further requests."""
        oems = await self.services.admin.list_oems(OPERATOR)
        if oem not in {known.id for known in oems}:
            await self.services.add_oem(oem)
        await self.services.add_user(oem, f"{name}@{oem}.example", role)
        return await self.sign_in(f"{name}@{oem}.example")


@asynccontextmanager
async def open_api(services: Services, *, confirm_email: bool = True) -> AsyncIterator[Api]:
    """Open the application over the services."""
    store, clock, ids, sealer = services.store, services.clock, services.new_id, services.sealer
    presence = PresenceService(store, clock, timeout_s=600)
    authentication = DeviceAuthentication(store, clock, ids, sealer, presence)
    accounts = AccountService(
        store,
        ids,
        services.passwords,
        services.cache,
        services.users,
        services.postbox,
        RegistrationService(store, Deliveries(), Lockout(clock)),
        Lockout(clock),
        confirm_email=confirm_email,
    )
    app = create_app(
        {
            "clock": clock,
            "device_authentication": authentication,
            "devices": DeviceService(store, ids, sealer, presence),
            "accounts": accounts,
            "roles": RoleService(store, services.cache, accounts),
            "associations": AssociationService(store, accounts),
            "sso": SsoService(store, clock, ids, sealer, HttpIdentityProviders(clock), services.users, accounts),
            "users": services.users,
            "shares": services.shares,
            "metadata": services.metadata,
            "subscriptions": services.subscriptions,
            "numbering": services.numbering,
            "access_rules": services.access_rules,
            "hub": services.hub,
            "insights": services.insights,
            "admin": services.admin,
        },
        request_ids=RequestIds(ids),
        addresses=Addresses(),
        operator_token="operator",
        routes=ROUTES,
    )
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://server.example") as http:
        yield Api(http, services, accounts)


@pytest.fixture
async def api(services: Services) -> AsyncIterator[Api]:
    """The application over the services of an empty folder."""
    async with open_api(services) as opened:
        yield opened
