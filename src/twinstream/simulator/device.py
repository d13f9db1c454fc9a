"""One example device, as the server sees a real one: it authenticates, reports itself, polls, obeys and answers.

Owns what the device does by itself (ayla-facts 4.2); when it is pressed or carried away is told from outside. Knows the
server by its HTTP interface alone.

Invariant: whatever the server answers, `Device.run` goes on until it is cancelled.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from twinstream.errors import RequestError
from twinstream.model.property import Direction
from twinstream.model.value import BaseType, Value, check_value
from twinstream.simulator.clock import Clock
from twinstream.simulator.link import MALFORMED, Call, Link, RefusalError, Witness
from twinstream.simulator.model import DeviceModel, zero_value

POLL_INTERVAL_S = 1.0

WitnessOf = Callable[[str, Value], Witness]
"""Makes the witness of one datapoint, given the property's name and the value."""

HOLD_S = 60.0
"""A device that the server refuses tries again after so long. Source: ayla-facts 4.1."""

_log = structlog.get_logger(__name__)


class DeviceCredential:
    """A device's key pair's public half, and what the server gave for it. Implements `link.Credential`."""

    attempts = 3

    def __init__(self, dsn: str, public_key_pem: str, clock: Clock) -> None:
        key = load_pem_public_key(public_key_pem.encode())
        if not isinstance(key, RSAPublicKey):
            raise TypeError("a device's public key is an RSA key")
        self._dsn = dsn
        self._public_key = key
        self._clock = clock
        self.headers: Mapping[str, str] | None = None
        self.device: Mapping[str, Any] = {}

    def ask(self) -> Call:
        """Make the first call of ayla-facts 4.2, under the RSA proof of 4.1."""
        path = f"/dsns/{quote(self._dsn)}.json"
        claim = f"{int(self._clock.now_s())} GET {path}\n"
        proof = base64.b64encode(self._public_key.encrypt(claim.encode(), PKCS1v15())).decode()
        return Call("GET", path, {"x-Ayla-client-auth": f"Ayla1.0 {proof}"})

    def accept(self, answer: httpx.Response) -> None:
        """Take the token for later calls, and what the server says of the device."""
        self.headers = {"x-Ayla-auth-key": f"Ayla1.0 {answer.headers['x-Ayla-auth-key']}"}
        self.device = msgspec.json.decode(answer.content)["device"]


class Device:
    """A device with its own task, `run`. It is there from the start; `go_away` and `come_back` take it off and back.

    ``place`` is where its network says that it is, in degrees; it tells the server at its next start-up. ``values`` are
    by property; files and messages have none. ``witness_of`` is asked for a witness of every value that it tells.
    """

    def __init__(
        self,
        dsn: str,
        model: DeviceModel,
        public_key_pem: str,
        client: httpx.AsyncClient,
        clock: Clock,
        random: Random,
        *,
        poll_interval_s: float = POLL_INTERVAL_S,
        witness_of: WitnessOf | None = None,
    ) -> None:
        self.dsn = dsn
        self.model = model
        self.place: tuple[float, float] | None = None
        self.values: dict[str, Value] = {
            plan.name: zero_value(plan.base_type)
            for plan in model.properties.values()
            if plan.base_type not in (BaseType.FILE, BaseType.MESSAGE)
        }
        self._credential = DeviceCredential(dsn, public_key_pem, clock)
        self._link = Link(client, self._credential, clock, random)
        self._clock = clock
        self._lan_ip = f"192.168.0.{random.randint(2, 254)}"
        self._is_here = asyncio.Event()
        self._is_here.set()
        self._is_started = asyncio.Event()
        self._poll_interval_s = poll_interval_s
        self._witness_of = witness_of
        self._reporting = asyncio.Lock()

    async def run(self) -> None:
        """Live: start up whenever it is there, then poll; a server that refuses it is asked again after a hold."""
        while True:
            await self._is_here.wait()
            try:
                await self._start_up()
                while self._is_here.is_set():
                    await self._poll()
                    await self._clock.sleep(self._poll_interval_s)
            except (RefusalError, *MALFORMED) as error:
                _log.warning("device refused or answered badly", dsn=self.dsn, error=repr(error), wait_s=HOLD_S)
                await self._clock.sleep(HOLD_S)
            finally:
                self._is_started.clear()

    async def press(self, name: str) -> None:
        """Press and let go a button: its property goes to 1 and back to 0. Raises RefusalError."""
        await self._is_started.wait()
        await self._report(name, 1)
        await self._report(name, 0)

    async def wait_for_reach(self) -> None:
        """Return when the device is in reach and has started up."""
        while not (self._is_here.is_set() and self._is_started.is_set()):
            await self._is_here.wait()
            await self._is_started.wait()

    async def report(self, name: str, value: Value) -> None:
        """Tell a value of an output; wait for the device's being in reach before. Raises RefusalError."""
        await self._report(name, value)

    async def send(self, name: str, content: bytes) -> None:
        """Send a file, or a message. Raises RefusalError."""
        await self._is_started.wait()
        base_type = self.model.properties[name].base_type
        path = f"{self._path}/properties/{quote(name)}"
        opening = {"datapoint": {"name": name, "base_type": base_type}}
        answer = await self._link.call("POST", f"{path}/datapoints.json", body=opening)
        opened = msgspec.json.decode(answer.content)["datapoint"]
        if base_type is BaseType.MESSAGE:
            await self._link.call("PUT", f"{path}/message_datapoints/{opened['id']}.json", body=content)
        else:
            place = urlsplit(opened["file"])
            await self._link.call("PUT", place.path, params=dict(parse_qsl(place.query)), body=content)

    async def set_up(self, setup_token: str) -> None:
        """Take the token that an app gives in Wi-Fi set-up, and show it to the server. Raises RefusalError."""
        await self._is_started.wait()
        await self._put_attributes({"setup_token": setup_token})

    def go_away(self) -> None:
        """Fall silent, as a device does that loses its network."""
        self._is_here.clear()

    def come_back(self) -> None:
        """Be there again; the device starts up anew."""
        self._is_here.set()

    @property
    def _path(self) -> str:
        return f"/devices/{self._credential.device['key']}"

    async def _start_up(self) -> None:
        await self._link.authenticate()
        await self._put_attributes(
            {
                "api_major": 1,
                "api_minor": 0,
                "model": self.model.module,
                "oem_model": self.model.oem_model,
                "sw_version": self.model.sw_version,
                "lan_ip": self._lan_ip,
                **({"setup_location": "{:.6f},{:.6f}".format(*self.place)} if self.place else {}),
            }
        )
        self._is_started.set()

    async def _put_attributes(self, attributes: Mapping[str, Any]) -> None:
        await self._link.call("PUT", f"{self._path}.json", body={"device": attributes})

    async def _poll(self) -> None:
        """Fetch what waits and do it; 206 says that more waits."""
        is_all = False
        while not is_all:
            answer = await self._link.call("GET", f"{self._path}/commands.json", params={"polling": "1"})
            is_all = answer.status_code != 206
            waiting = msgspec.json.decode(answer.content)["commands"]
            for item in waiting["cmds"]:
                await self._try(self._execute(item["cmd"]))
            for item in waiting["properties"]:
                await self._try(self._obey(item["property"]))

    async def _try(self, doing: Awaitable[None]) -> None:
        """Do one thing; what the server does not want of it (the property is gone, say) keeps no other thing back."""
        try:
            await doing
        except RefusalError as refusal:
            if refusal.status == 401:
                raise
            _log.info("answer of a device refused", dsn=self.dsn, reason=str(refusal))

    async def _execute(self, command: Mapping[str, Any]) -> None:
        """Answer a command: what it says of the registration is heard, anything else this device does not know."""
        status = "200" if command["resource"].partition("?")[0] == "registration.json" else "404"
        query = {"cmd_id": str(command["id"]), "status": status}
        await self._link.call("PUT", f"{self._path}{command['uri']}", params=query, body={})

    async def _obey(self, wanted: Mapping[str, Any]) -> None:
        """Take a value, acknowledge it if that is asked for (there is an id then), and echo it."""
        name = wanted["name"]
        is_set = self._set(name, wanted["value"])
        if wanted.get("id"):
            path = f"/dev/v1/dsns/{self.dsn}/properties/{quote(name)}/datapoints/{quote(wanted['id'])}.json"
            verdict = {"ack_status": 200, "ack_message": 0} if is_set else {"ack_status": 400, "ack_message": 1}
            await self._link.call("PUT", path, body={"datapoint": {"id": wanted["id"], **verdict}})
        if is_set:
            await self._report(name, self.values[name], echo=True)
            if name in self.model.answers:
                await self._report(self.model.answers[name], self.values[name])

    def _set(self, name: str, given: object) -> bool:
        plan = self.model.properties.get(name)
        if plan is None or plan.direction is not Direction.INPUT:
            return False
        try:
            self.values[name] = check_value(plan.base_type, given)
        except RequestError:
            return False
        return True

    async def _report(self, name: str, value: Value, *, echo: bool = False) -> None:
        """Tell a value of a property of its own. One at a time: so the server has them in this order."""
        self.values[name] = value
        base_type = self.model.properties[name].base_type
        async with self._reporting:
            await self._link.call(
                "POST",
                f"{self._path}/properties/{quote(name)}/datapoints.json",
                params={"echo": "true"} if echo else None,
                body={"datapoint": {"name": name, "base_type": base_type, "value": value}},
                witness=self._witness_of(name, value) if self._witness_of else None,
            )
