"""The demo: an OEM, a user and the documents' three devices in a server, and the simulator that keeps them alive.

Owns what the demo consists of, and ``demo.json``, its only memory of secrets. What the operator would set up goes
through the services before the server accepts connections (`populate`); everything else, subscriptions included, is
done over HTTP as anyone could do it (`run`).

Invariant: run again, it changes nothing: what is there stays, and what is missing is made. Without ``demo.json``
nothing but the password and the application are new.
"""

from __future__ import annotations

import asyncio
import shlex
import shutil
import ssl
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from random import SystemRandom
from typing import TextIO

import httpx
import msgspec
import structlog

from twinstream.model.device import RegistrationType
from twinstream.model.oem import Retention
from twinstream.model.principal import Operator
from twinstream.model.template import TemplatePlan
from twinstream.model.user import OEM_ADMIN
from twinstream.ports.ids import NewId
from twinstream.service.admin import AdminService
from twinstream.service.device import DeviceService, Provisioned
from twinstream.service.template import TemplateService
from twinstream.simulator.clock import SystemClock
from twinstream.simulator.device import Device
from twinstream.simulator.household import Household
from twinstream.simulator.link import RefusalError
from twinstream.simulator.model import LEDEVB, LINUXEVB, DeviceModel
from twinstream.simulator.resident import Account, Resident
from twinstream.system import write_private

FILE_NAME = "demo.json"
OEM = "0dfc7900"
EMAIL = "demo@example.com"
RETENTION = Retention(age_s=2 * 86_400.0)
"""The demo makes about 60,000 events a day; two days of them are enough to replay."""

_log = structlog.get_logger(__name__)


class Role(msgspec.Struct, frozen=True):
    """A device's part in the demo; all DSNs are the documents' own."""

    dsn: str
    model: DeviceModel
    product_name: str
    registration_type: RegistrationType


LED_BOARD = Role("AC000W000340649", LEDEVB, "LED board", RegistrationType.DSN)
LINUX_BOARD = Role("AC000W005606115", LINUXEVB, "Linux board", RegistrationType.DSN)
TRAVELLER = Role("AC000W000340779", LEDEVB, "Traveller", RegistrationType.AP_MODE)
CAST = (LED_BOARD, LINUX_BOARD, TRAVELLER)
"""The order of ``demo.json``: the two that stay first."""


class DeviceEntry(msgspec.Struct, frozen=True):
    """A device in ``demo.json``; ``key`` is its integer key."""

    dsn: str
    key: int
    oem_model: str


class DemoFile(msgspec.Struct, frozen=True):
    """The contents of ``demo.json``: all that someone needs to use the demo. ``stream_keys`` are by event type."""

    url: str
    oem_id: str
    app_id: str
    app_secret: str
    email: str
    password: str
    devices: tuple[DeviceEntry, ...]
    stream_keys: Mapping[str, str]


class World(msgspec.Struct, frozen=True):
    """What `populate` has set up. ``public_keys`` are PEM texts by DSN, ``old_stream_keys`` what ``demo.json`` said."""

    folder: Path
    account: Account
    devices: tuple[DeviceEntry, ...]
    public_keys: Mapping[str, str]
    old_stream_keys: Mapping[str, str]


async def populate(
    folder: Path, admin: AdminService, templates: TemplateService, devices: DeviceService, new_id: NewId
) -> World:
    """Set up what is missing of OEM, application, user, templates and devices.

    Call it before the server accepts connections.
    """
    operator = Operator()
    old = read_demo_file(folder / FILE_NAME)
    if OEM not in [oem.id for oem in await admin.list_oems(operator)]:
        await admin.add_oem(operator, "twinstream demo", OEM)
        await admin.set_retention(operator, OEM, RETENTION)
    app_id, app_secret = await _populate_application(operator, admin, old)
    password = await _populate_user(operator, admin, new_id, old)
    await _populate_templates(operator, templates)
    provisioned = [await _populate_device(operator, devices, role) for role in CAST]
    return World(
        folder=folder,
        account=Account(EMAIL, password, app_id, app_secret),
        devices=tuple(DeviceEntry(one.device.dsn, one.device.key, one.device.oem_model) for one in provisioned),
        public_keys={one.device.dsn: one.public_key for one in provisioned},
        old_stream_keys=old.stream_keys if old else {},
    )


async def run(url: str, world: World, *, out: TextIO | None = None, certificate: Path | None = None) -> None:
    """Live in the server at ``url`` (``http[s]://host:port``) until cancelled; write ``demo.json``, say what to do
    next.

    ``certificate`` is the server's own, which is then the only one that is trusted, whatever name it bears. A server
    that refuses the demo's user (whose password someone has changed, say) is told about, and left alone.
    """
    random = SystemRandom()
    clock = SystemClock()
    async with AsyncExitStack() as clients:

        async def connect() -> httpx.AsyncClient:
            """One connection each: a second poll over it tells the server that the first answer was read."""
            client = httpx.AsyncClient(
                base_url=url,
                trust_env=False,
                verify=_trust(certificate),
                timeout=10,
                limits=httpx.Limits(max_connections=1),
            )
            return await clients.enter_async_context(client)

        resident = Resident(world.account, await connect(), clock, random)
        led_board, linux_board, traveller = [
            Device(role.dsn, role.model, world.public_keys[role.dsn], await connect(), clock, random) for role in CAST
        ]
        household = Household(resident, led_board, linux_board, traveller, clock, random)
        try:
            where = {"dsn": ",".join(sorted(role.dsn for role in CAST)), "oem_model": "*"}
            stream_keys = await resident.subscribe_all("demo", where, world.old_stream_keys)
            await household.move_in()
        except RefusalError as refusal:
            remedy = f"remove {world.folder / FILE_NAME} and start again" if refusal.status == 401 else None
            _log.error("demo refused", reason=str(refusal), remedy=remedy)
            return
        account = world.account
        demo = DemoFile(
            url,
            OEM,
            account.app_id,
            account.app_secret,
            account.email,
            account.password,
            world.devices,
            stream_keys,
        )
        write_private(world.folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(demo), indent=2) + b"\n")
        with suppress(BrokenPipeError):  # nobody reads it; the demo lives all the same
            print_guide(demo, world.folder, resident.headers or {}, out or sys.stdout)
        async with asyncio.TaskGroup() as tasks:
            for device in (led_board, linux_board, traveller):
                tasks.create_task(device.run())
            tasks.create_task(household.run())


async def _populate_application(operator: Operator, admin: AdminService, old: DemoFile | None) -> tuple[str, str]:
    """Keep the application whose secret is known, or make one; answer app_id and app_secret."""
    present = [application.app_id for application in await admin.list_applications(operator, OEM)]
    if old and old.app_id in present:
        return old.app_id, old.app_secret
    made = await admin.add_application(operator, OEM, "demo")
    return made.application.app_id, made.app_secret


async def _populate_user(operator: Operator, admin: AdminService, new_id: NewId, old: DemoFile | None) -> str:
    """Keep the user, or make one who may subscribe to all that happens in the OEM; answer the password."""
    account = next((one for one in await admin.list_users(operator, OEM) if one.user.email == EMAIL), None)
    if account and old:
        return old.password
    password = new_id.code(12)
    if account:
        await admin.change_user(operator, account.user.uuid, password=password)
    else:
        await admin.add_user(operator, OEM, EMAIL, password, OEM_ADMIN, firstname="Demo")
    return password


async def _populate_templates(operator: Operator, templates: TemplateService) -> None:
    """Make the templates that are missing: a device's properties come from that of its model."""
    present = {template.oem_model for template in await templates.list_of_oem(operator, OEM)}
    for model in (LEDEVB, LINUXEVB):
        if model.oem_model not in present:
            plan = TemplatePlan(oem_model=model.oem_model, properties=tuple(model.properties.values()))
            await templates.add(operator, OEM, plan)


async def _populate_device(operator: Operator, devices: DeviceService, role: Role) -> Provisioned:
    return await devices.provision(
        operator,
        OEM,
        role.dsn,
        role.model.oem_model,
        model=role.model.module,
        product_name=role.product_name,
        registration_type=role.registration_type,
    )


def read_demo_file(path: Path) -> DemoFile | None:
    """Read ``demo.json``; None if it is missing or no such file, as after someone has edited it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=DemoFile)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def print_guide(demo: DemoFile, folder: Path, headers: Mapping[str, str], out: TextIO) -> None:
    """Say what to do next, in lines to copy. The keys in it are shown on purpose, to whoever started the demo."""
    command = find_command()
    stream = demo.url.replace("http", "ws", 1) + "/stream?stream_key="
    tails = "\n".join(f"  {command} tail '{stream}{key}'  # {kind}" for kind, key in demo.stream_keys.items())
    authorization = headers.get("Authorization", "")
    led = f"{demo.url}/apiv1/dsns/{LED_BOARD.dsn}/properties/Green_LED/datapoints.json"
    out.write(GUIDE.format(demo=demo, file=shorten_path(folder / FILE_NAME), tails=tails, led=led, auth=authorization))
    out.flush()


GUIDE = """\

The demo lives at {demo.url}: three simulated devices, to which something happens every few seconds.

Look at it in a browser:

  {demo.url}/
  email     {demo.email}
  password  {demo.password}

Watch it in another terminal, one type of event at a time:

{tails}

Switch an LED on, and see the device echo it (the token in it is good for a day):

  curl -sS '{led}' -H 'Authorization: {auth}' -H 'Content-Type: application/json' -d '{{"datapoint":{{"value":1}}}}'

All keys and passwords are in {file}, try the REST APIs at {demo.url}/api.
Ctrl-C ends the demo; started again, it goes on with the same keys, and its streams where they were.

"""


def find_command() -> str:
    """Return how to call `twinstream` from here: by name if that is on the path, else by the shortest path."""
    installed = Path(sys.prefix) / "bin" / "twinstream"
    if not installed.exists():
        return "twinstream"
    on_path = shutil.which("twinstream")
    return "twinstream" if on_path and Path(on_path).samefile(installed) else shlex.quote(shorten_path(installed))


def shorten_path(path: Path) -> str:
    """Return the path relative to the working directory if it lies below that, else in full."""
    full = path.absolute()
    try:
        return str(full.relative_to(Path.cwd()))
    except ValueError:
        return str(full)


def _trust(certificate: Path | None) -> ssl.SSLContext | bool:
    if certificate is None:
        return True
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    return context
