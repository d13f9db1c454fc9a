"""The cloud of a test: a server, and few words to put OEM, users, devices and streams into it.

Owns the life of the server and its folder. One OEM and its administrator, who owns devices and streams unless told
otherwise, are there from the beginning.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from twinstream.model import principal
from twinstream.model.mail import Mail
from twinstream.model.principal import Operator
from twinstream.model.property import Direction, PropertyPlan
from twinstream.model.registration import Claim
from twinstream.model.value import BaseType
from twinstream.parts import Parts
from twinstream.settings import Settings, check_settings
from twinstream.testing.clock import TurnedClock
from twinstream.testing.server import Mails, ServerThread
from twinstream.testing.stream import Stream
from twinstream.testing.tap import Taps
from twinstream.testing.twin import Device, User
from twinstream.wire.subscription import read_terms

T = TypeVar("T")

OEM = "0dfc7900"
MODEL = "ledevb"
OWNER_EMAIL = "owner@example.com"
PASSWORD = "correct horse"  # noqa: S105 - of tests

_OPERATOR = Operator()


class Cloud:
    """See the module; `serve_in_thread` makes it. Its methods may be called from any thread but the server's.

    ``url`` is of the HTTP APIs, ``ws_url`` the same for WebSockets; ``data`` is the server's folder, so that
    ``twinstream admin --data`` and ``twinstream faults --data`` work on it. ``oem`` is the OEM's id, ``owner`` its
    administrator; ``mails`` is what the server has sent.
    """

    def __init__(self, settings: Settings) -> None:
        self.clock = TurnedClock()
        self.taps = Taps()
        self.oem = OEM
        self.data = settings.data
        self._mailer = Mails()
        self._settings = settings
        self.server = ServerThread(settings, self.clock, self.taps, self._mailer)
        self.clock.bind(self._pass, self._pass_async)
        self.call(lambda services: services["admin"].add_oem(_OPERATOR, "Example", OEM))
        self.owner = self.add_user(OWNER_EMAIL, role="OEM::Admin")

    @property
    def url(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return self.server.url

    @property
    def ws_url(self) -> str:
        """``ws://127.0.0.1:<port>``."""
        return "ws" + self.server.url.removeprefix("http")

    @property
    def mails(self) -> list[Mail]:
        """What was mailed, tokens in it."""
        return list(self._mailer.kept)

    def add_user(self, email: str, *, password: str = PASSWORD, role: str = "EndUser") -> User:
        """Make a user, who can sign in at once; ``role`` is as ``OEM::Admin``, ``OEM::Staff``."""
        account = self.call(lambda services: services["admin"].add_user(_OPERATOR, OEM, email, password, role))
        return User(self, account.user, password)

    def add_application(self, name: str = "tests") -> dict[str, str]:
        """Make an application; answer its ``app_id`` and ``app_secret``, as signing in and up take them."""
        made = self.call(lambda services: services["admin"].add_application(_OPERATOR, OEM, name))
        return {"app_id": made.application.app_id, "app_secret": made.app_secret}

    def add_device(
        self,
        dsn: str,
        *,
        properties: Mapping[str, str] | None = None,
        model: str = MODEL,
        owner: User | None = None,
        acks: bool = False,
    ) -> Device:
        """Make a device and register it to a user, by default `owner`.

        Args:
            dsn: its serial number, as ``AC000W000000001``.
            properties: their base types by name: ``{"Blue_LED": "boolean"}``; both device and owner set them.
            model: its OEM model.
            owner: whom it belongs to.
            acks: whether the device is asked to acknowledge what is set (`Device.acknowledge`).
        """
        owner = owner or self.owner
        plans = [
            PropertyPlan(name=name, base_type=BaseType(kind), direction=Direction.INPUT, ack_enabled=acks)
            for name, kind in (properties or {}).items()
        ]

        async def make(services: Any) -> principal.Device:
            added = await services["devices"].add(_OPERATOR, OEM, dsn, model, properties=plans)
            await services["registrations"].register(owner.principal, Claim(dsn, None, None, None))
            return principal.Device(added.device.key, dsn, OEM, model)

        return Device(self, self.call(make), owner)

    def stream(self, types: str = "datapoint", *, owner: User | None = None, **fields: Any) -> Stream:
        """Make a subscription, by default of the cloud form, to the events of all devices of the usual model.

        It has what happens from now on; its first socket begins there.

        Args:
            types: the type of events; for ``client_type="mobile"`` a comma list.
            owner: whose subscription it is; only staff of the OEM can have one of the cloud form.
            fields: others of `POST /api/v1/subscriptions`: ``dsn``, ``property_name``, ``batch_size`` …
        """
        owner = owner or self.owner
        usual = {"client_type": "cloud", "subscription_type": types, "dsn": "*", "property_name": "*"}
        usual["oem_model"] = "*" if "dsn" in fields or fields.get("client_type") == "mobile" else MODEL
        terms = read_terms(usual | fields)
        shown = self.call(lambda services: services["subscriptions"].create(owner.principal, terms))
        return Stream(self, owner, shown.subscription.id, shown.stream_key)

    def restart(self) -> None:
        """Stop the server, which closes its streams with 1012, and start it again on the same port and folder."""
        self._settings = msgspec.structs.replace(self._settings, port=self.server.port)
        self.server.stop()
        self.server = ServerThread(self._settings, self.clock, self.taps, self._mailer)

    def call(self, action: Callable[[Mapping[str, Any]], Coroutine[Any, Any, T]]) -> T:
        """Have something done by the server's services; what they refuse raises `RequestError`."""
        return self.server.call(lambda parts: action(parts.services))

    def close(self) -> None:
        """Stop the server."""
        self.server.stop()

    def _pass(self, seconds: float) -> None:
        self._begin_passing(seconds).result()

    async def _pass_async(self, seconds: float) -> None:
        await asyncio.wrap_future(self._begin_passing(seconds))

    def _begin_passing(self, seconds: float) -> Future[None]:
        async def go_on(_parts: Parts) -> None:
            await self.server.pass_time(seconds)

        return self.server.submit(go_on)


@contextmanager
def serve_in_thread(*, data: Path | None = None, **settings: Any) -> Iterator[Cloud]:
    """Run a server on a thread of its own while the block runs.

    Args:
        data: its folder, which stays; by default a temporary one. It must be empty or missing.
        settings: any of docs/settings.md, as ``heartbeat_interval_s=10``; ``port`` is a free one by default.

    Raises:
        SettingError: a setting cannot be.
        CommandError: the folder or the port cannot be had.
    """
    with tempfile.TemporaryDirectory(prefix="twinstream-") as folder:
        wanted: dict[str, Any] = {"data": data or Path(folder), "port": 0, "allow_faults": True} | settings
        chosen = Settings(**wanted)
        check_settings(chosen)
        cloud = Cloud(chosen)
        try:
            yield cloud
        finally:
            cloud.close()
