"""The services of devices and all around them, on a real SQLite store in a throw-away folder."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.services import OPERATOR, Services
from twinstream.model import principal
from twinstream.model.device import RegistrationType
from twinstream.model.event import Event
from twinstream.model.property import Direction, PropertyPlan
from twinstream.model.registration import Claim
from twinstream.model.share import Operation, ShareDraft, ShareTerms
from twinstream.model.value import BaseType
from twinstream.service.authentication import DeviceAuthentication
from twinstream.service.candidate import CandidateService
from twinstream.service.command import CommandService, Deliveries
from twinstream.service.connection import ConnectionService
from twinstream.service.content import ContentService
from twinstream.service.control import ControlService
from twinstream.service.creation import Draft
from twinstream.service.datapoint import DatapointService
from twinstream.service.device import DeviceService
from twinstream.service.device_role import DeviceRoleService
from twinstream.service.lan import LanService
from twinstream.service.location import LocationService
from twinstream.service.lockout import Lockout
from twinstream.service.node import NodeService
from twinstream.service.postal import PostalService
from twinstream.service.presence import PresenceService
from twinstream.service.property import PropertyService
from twinstream.service.registration import RegistrationService
from twinstream.service.template import TemplateService
from twinstream.service.time_zone import TimeZoneService
from twinstream.sqlite.blob import FolderBlobs

OEM = "0dfc7900"
DSN = "AC000W000340649"
BLUE = PropertyPlan(name="Blue_LED", base_type=BaseType.BOOLEAN, direction=Direction.INPUT, ack_enabled=True)
LEVEL = PropertyPlan(name="level", base_type=BaseType.INTEGER, direction=Direction.INPUT)
TEMPERATURE = PropertyPlan(name="temperature", base_type=BaseType.DECIMAL, direction=Direction.OUTPUT)
STATE = PropertyPlan(
    name="state", base_type=BaseType.STRING, direction=Direction.OUTPUT, track_only_changes=True, display_name="State"
)
PLANS = (BLUE, LEVEL, TEMPERATURE, STATE)
PRESENCE_TIMEOUT_S = 600.0
KEEP_S = 1000.0


class Twins(Services):
    """The services of devices beside those of users."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.deliveries = Deliveries()
        self.presence = PresenceService(self.store, self.clock, timeout_s=PRESENCE_TIMEOUT_S)
        self.authentication = DeviceAuthentication(self.store, self.clock, self.new_id, self.sealer, self.presence)
        self.devices = DeviceService(self.store, self.new_id, self.sealer, self.presence)
        self.templates = TemplateService(self.store)
        self.properties = PropertyService(self.store)
        self.folder = folder
        self.blobs = FolderBlobs(folder)
        self.contents = ContentService(self.store, self.clock, self.sealer, self.blobs, self.deliveries)
        self.datapoints = DatapointService(
            self.store, self.clock, self.new_id, self.deliveries, self.blobs, keep_s=KEEP_S
        )
        self.commands = CommandService(self.store, self.deliveries)
        self.locations = LocationService(self.store)
        self.registrations = RegistrationService(self.store, self.deliveries, Lockout(self.clock))
        self.candidates = CandidateService(self.store)
        self.connections = ConnectionService(self.store)
        self.nodes = NodeService(self.store, self.new_id)
        self.time_zones = TimeZoneService(self.store, self.clock)
        self.device_roles = DeviceRoleService(self.store)
        self.postals = PostalService(self.store)
        self.controls = ControlService(self.store, self.deliveries)
        self.lans = LanService(self.store, self.new_id, self.sealer)

    async def start(self) -> None:
        """Start as a server does."""
        await self.presence.start()
        await self.commands.start()

    async def close(self) -> None:
        """Close the store; nothing must have failed for good."""
        await self.presence.close()
        await super().close()

    async def make_device(
        self,
        dsn: str,
        owner: principal.User | None = None,
        *,
        oem: str = OEM,
        registration_type: RegistrationType = RegistrationType.DSN,
        plans: Sequence[PropertyPlan] = PLANS,
    ) -> principal.Device:
        """Make a device with properties, and let a user register it; its key pair is none, for speed."""

        def add(work: Any) -> int:
            work.connection.execute(
                "INSERT INTO device"
                " (dsn, oem, oem_model, model, product_name, registration_type, created_at, updated_at)"
                " VALUES (?, ?, 'ledevb', 'AY008ESP1', ?, ?, ?, ?)",
                (dsn, oem, dsn, registration_type, work.now_s, work.now_s),
            )
            key: int = work.connection.last_insert_rowid()
            work.properties.add(key, plans)
            return key

        key = await self.store.run(add)
        if owner is not None:
            await self.registrations.register(owner, Claim(dsn, None, None, None))
        return principal.Device(key, dsn, oem, "ledevb")

    async def add_user(self, oem: str, email: str, role: str = "EndUser") -> principal.User:
        """Add a user without the hashing of a password: they can't sign in."""
        uuid = self.new_id.uuid()
        account = await self.store.run(lambda work: work.users.add(OPERATOR, oem, uuid, email, "", role, "", ""))
        user: principal.User = account.user
        return user

    async def share(self, owner: principal.User, dsn: str, holder: principal.User, operation: Operation) -> int:
        """Share a device; answer the share's id."""
        (share,) = await self.shares.create(owner, [ShareDraft(dsn, holder.email, ShareTerms(operation))])
        return share.id

    def events(self, since: int = 0) -> list[Event]:
        """The events committed so far, from a place on."""
        return [record.entry for record in self.tail if isinstance(record.entry, Event)][since:]

    def bodies(self, since: int = 0) -> list[dict[str, Any]]:
        """What the events say, as their readers get it."""
        return [read_tail(event) for event in self.events(since)]


class Scene:
    """Ana owns a device, Bob may see it, Cid may set it, Dan and Eve (of another OEM) may not."""

    def __init__(self, twins: Twins) -> None:
        self.twins = twins
        self.users: dict[str, principal.User] = {}
        self.device: principal.Device

    async def prepare(self) -> None:
        """Make it so; the events of it are not in the tail."""
        await self.twins.add_oem("bbbbbbbb")
        for oem, name in ((OEM, "ana"), (OEM, "bob"), (OEM, "cid"), (OEM, "dan"), ("bbbbbbbb", "eve")):
            self.users[name] = await self.twins.add_user(oem, f"{name}@x.example")
        self.device = await self.twins.make_device(DSN, self.users["ana"])
        await self.twins.share(self.users["ana"], DSN, self.users["bob"], Operation.READ)
        await self.twins.share(self.users["ana"], DSN, self.users["cid"], Operation.WRITE)
        self.twins.tail.clear()

    async def execute(self, statement: str, *values: object) -> None:
        """Change what is stored, past all services."""
        await self.twins.store.run(lambda work: work.connection.execute(statement, values))

    def uuids(self, *names: str) -> set[str]:
        """The UUIDs of users by name."""
        return {self.users[name].uuid for name in names}


def read_tail(event: Event) -> dict[str, Any]:
    """Read an event's text."""
    body: dict[str, Any] = json.loads(b"{" + event.tail)
    return body


def by_name(dsn: str, name: str, value: object, **more: Any) -> Draft:
    """A draft of a datapoint of a property by DSN and name."""
    return Draft((dsn, name), value, **more)


@asynccontextmanager
async def open_twins(folder: Path) -> AsyncIterator[Twins]:
    """Open the services and close them."""
    twins = Twins(folder)
    try:
        await twins.start()
        yield twins
    finally:
        await twins.close()


@pytest.fixture
async def twins(tmp_path: Path) -> AsyncIterator[Twins]:
    """The services of a folder with one OEM."""
    async with open_twins(tmp_path / "folder") as opened:
        await opened.add_oem(OEM)
        yield opened


@pytest.fixture
async def scene(twins: Twins) -> Scene:
    """A folder with the scene in it."""
    scene = Scene(twins)
    await scene.prepare()
    return scene
