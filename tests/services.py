"""The services of users, shares, subscriptions and the operator on a real SQLite store in a throw-away folder."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from twinstream.model.application import ApplicationKey
from twinstream.model.event import Event, EventType, Record
from twinstream.model.mail import Mail
from twinstream.model.oem import Retention
from twinstream.model.principal import Operator, User
from twinstream.model.subscription import ClientType, Terms
from twinstream.outbound.mail import ConsoleMailer
from twinstream.ports.log import Cursor, PageRequest
from twinstream.ports.work import UnitOfWork
from twinstream.service.access_rule import AccessRuleService
from twinstream.service.admin import AdminService
from twinstream.service.datum import DatumService
from twinstream.service.insight import InsightService
from twinstream.service.lockout import Lockout
from twinstream.service.numbering import Numbering
from twinstream.service.outbox import Outbox
from twinstream.service.password import Passwords
from twinstream.service.share import ShareService
from twinstream.service.subscription import SubscriptionService
from twinstream.service.token import TokenCache
from twinstream.service.user import UserService
from twinstream.sqlite.seal import KeyFileSealer
from twinstream.sqlite.store import SqliteStore
from twinstream.stream.hub import Hub
from twinstream.system import SystemIds

PASSWORD = "correct horse"
OPERATOR = Operator()


class Postbox(Outbox):
    """Keeps the mails that the server sends."""

    def __init__(self) -> None:
        super().__init__(ConsoleMailer())
        self.mails: list[Mail] = []

    def post(self, mail: Mail) -> None:
        """See `Outbox.post`."""
        self.mails.append(mail)

    def take_token(self) -> str:
        """Take the last mail, and the token out of it."""
        found = re.search("[0-9a-f]{32}", self.mails.pop().text)
        assert found
        return found[0]


class TurnedClock:
    """A clock that stands until a test turns it."""

    def __init__(self) -> None:
        self.at_s = 1_800_000_000.0

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s

    def turn(self, by_s: float) -> None:
        """Let time pass."""
        self.at_s += by_s


class Services:
    """What a running server would make of the same parts; ``connected`` holds the ids with an open socket."""

    def __init__(self, folder: Path, *, strict_security: bool = False) -> None:
        self.clock = TurnedClock()
        self.new_id = SystemIds()
        self.failures: list[BaseException] = []
        self.store = SqliteStore.open(folder, self.clock, self.failures.append)
        self.log = self.store.log
        self.tail: list[Record] = []
        self.log.follow(self.tail.extend)
        self.connected: set[int] = set()
        self.cache = TokenCache()
        self.passwords = Passwords()
        self.sealer = KeyFileSealer.open(folder)
        self.admin = AdminService(self.store, self.new_id, self.passwords, self.cache)
        self.users = UserService(self.store, self.clock, self.new_id, self.passwords, Lockout(self.clock), self.cache)
        self.postbox = Postbox()
        self.shares = ShareService(self.store, self.postbox)
        self.metadata = DatumService(self.store)
        self.access_rules = AccessRuleService(self.store)
        self.subscriptions = SubscriptionService(
            self.store,
            self.clock,
            self.new_id,
            self.sealer,
            self.connected.__contains__,
            strict_security=strict_security,
        )
        self.numbering = Numbering(self.store, self.log)
        self.hub = Hub(self.log.head)
        self.insights = InsightService(
            self.store,
            self.log,
            self.clock,
            self.numbering,
            Retention(3600.0, None),
            self.hub.find_cursor,
            self.hub.find_acknowledged,
        )

    async def add_oem(self, oem: str) -> ApplicationKey:
        """Add an OEM with an application."""
        await self.admin.add_oem(OPERATOR, f"OEM {oem}", oem)
        made = await self.admin.add_application(OPERATOR, oem, "tests")
        return ApplicationKey(made.application.app_id, made.app_secret)

    async def add_user(self, oem: str, email: str, role: str = "EndUser") -> User:
        """Add a user with `PASSWORD`."""
        return (await self.admin.add_user(OPERATOR, oem, email, PASSWORD, role)).user

    async def add_device(self, oem: str, dsn: str, owner: User | None, oem_model: str = "ledevb") -> None:
        """Add a device, as far as shares look at it."""

        def add(work: UnitOfWork) -> None:
            work.connection.execute(  # type: ignore[attr-defined]
                "INSERT INTO device (dsn, oem, oem_model, product_name, user_uuid, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, 0, 0)",
                (dsn, oem, oem_model, dsn, owner.uuid if owner else None),
            )

        await self.store.run(add)

    async def append(
        self,
        oem: str,
        dsn: str,
        readers: Sequence[User] = (),
        *,
        oem_model: str = "ledevb",
        property_name: str = "Blue_LED",
        times: int = 1,
    ) -> None:
        """Append a datapoint event, or many alike; its tail says nothing but its DSN."""
        uuids = tuple(reader.uuid for reader in readers)
        tail = b'"dsn":"%s"}' % dsn.encode()
        event = Event(EventType.DATAPOINT, oem, oem_model, dsn, property_name, uuids, tail)
        await self.store.run(lambda work: [work.log.append(event) for _ in range(times)])

    async def read(self, subscription_id: int) -> list[str]:
        """Read all that a subscription may see, as the tails' texts."""
        cursor, tails, at_end = Cursor(0, 0), list[str](), False
        while not at_end:
            page = await self.log.read_page(PageRequest(subscription_id, after=cursor))
            tails += [tail.decode() for tail in page.tails]
            at_end = page.gone or (page.filter is not None and page.through.position >= self.log.head)
            cursor = page.through
        return tails

    async def holders(self, dsn: str) -> Sequence[str]:
        """Who has a share of the device that counts now."""
        found = await self.store.query(lambda view: view.shares.find_holders([dsn]))
        return list(found.get(dsn, ()))

    async def close(self) -> None:
        """Close the store; nothing must have failed for good."""
        await self.store.close()
        assert self.failures == []


def mobile(*types: EventType, dsns: tuple[str, ...] | None = None) -> Terms:
    """Terms of a mobile subscription; datapoints unless said otherwise."""
    return Terms(client_type=ClientType.MOBILE, types=types or (EventType.DATAPOINT,), dsns=dsns)


def cloud(oem_model: str = "ledevb", property_names: tuple[str, ...] | None = None) -> Terms:
    """Terms of a cloud subscription to datapoints."""
    return Terms(
        client_type=ClientType.CLOUD,
        types=(EventType.DATAPOINT,),
        oem_models=(oem_model,),
        property_names=property_names,
    )


@asynccontextmanager
async def open_services(folder: Path, *, strict_security: bool = False) -> AsyncIterator[Services]:
    """Open the services and close them."""
    services = Services(folder, strict_security=strict_security)
    try:
        yield services
    finally:
        await services.close()


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    """The services of an empty folder."""
    async with open_services(tmp_path / "folder") as opened:
        yield opened
