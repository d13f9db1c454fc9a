"""Who is in a fleet: its OEM, its user and its devices in a server, and the file that remembers their secrets.

Owns what must be there before a scenario can run. What the operator sets up goes through a function that makes one
request of the operator's; the rest is done over HTTP as anyone could do it. Invariant: run again, it changes nothing:
what is there stays, and what is missing is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from twinstream.model.property import PropertyPlan
from twinstream.model.user import OEM_ADMIN
from twinstream.simulator.link import RefusalError
from twinstream.simulator.resident import Account, Resident
from twinstream.simulator.scenario import Scenario, ScenarioError
from twinstream.system import write_private

Operate = Callable[[str, str, Any], Any]
"""Makes one request of the operator's: method, path, body; answers the decoded answer."""

_DEVICE_NAMES = ("dsn", "oem_model", "public_key")


class Member(msgspec.Struct, frozen=True):
    """A device with the key that it holds (PEM)."""

    dsn: str
    oem_model: str
    public_key: str


class Crew(msgspec.Struct, frozen=True):
    """The contents of a credentials file; ``stream_keys`` are by event type, empty before the fleet has run once."""

    oem_id: str
    app_id: str
    app_secret: str
    email: str
    password: str
    devices: tuple[Member, ...] = ()
    stream_keys: Mapping[str, str] = {}

    @property
    def account(self) -> Account:
        """What its user signs in with."""
        return Account(self.email, self.password, self.app_id, self.app_secret)


def read_crew(path: Path) -> Crew | None:
    """Read a credentials file; None if there is none.

    Raises:
        ScenarioError: it is something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Crew)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise ScenarioError(f"{path}: no credentials of a fleet ({error}); remove it, and it is written anew") from None


def write_crew(path: Path, crew: Crew) -> None:
    """Write it for its owner alone."""
    write_private(path, msgspec.json.format(msgspec.json.encode(crew), indent=2) + b"\n")


def set_up(scenario: Scenario, old: Crew | None, operate: Operate, notify: Callable[[str], None]) -> Crew:
    """Make what is missing of OEM, application, user, templates and devices; ``old`` is what is remembered of them.

    ``notify`` is told what takes long. Raises what ``operate`` raises.
    """
    oem = scenario.oem
    path = f"/admin/v1/oems/{oem}"
    if oem not in [one["id"] for one in operate("GET", "/admin/v1/oems", None)]:
        operate("POST", "/admin/v1/oems", {"id": oem, "name": f"simulated: {scenario.name}"})
    app_id, app_secret = _set_up_application(path, old, operate)
    email, password = _set_up_user(scenario, path, old, operate)
    present = {template["oem_model"]: template for template in operate("GET", f"{path}/templates", None)}
    for model in scenario.models:
        plans = [{name: getattr(slot, name) for name in PropertyPlan.__struct_fields__} for slot in model.properties]
        template = present.get(model.oem_model)
        if template is None:
            operate("POST", f"{path}/templates", {"oem_model": model.oem_model, "properties": plans})
        elif {plan["name"] for plan in plans} - {plan["name"] for plan in template["properties"]}:
            wanted = {"oem_model": model.oem_model, "version": template["version"], "properties": plans}
            operate("PUT", f"{path}/templates/{template['id']}", wanted)
    known = {member.dsn: member for member in old.devices} if old else {}
    there = {device["dsn"] for device in operate("GET", f"{path}/devices", None)}
    devices = list(scenario.list_devices())
    members = []
    for number, (dsn, model) in enumerate(devices, 1):
        if dsn not in known or dsn not in there:
            notify(f"making device {number} of {len(devices)}")
            made = operate("POST", f"{path}/devices", {"dsn": dsn, "oem_model": model.oem_model})
            known[dsn] = Member(*(made[name] for name in _DEVICE_NAMES))
        members.append(known[dsn])
    stream_keys = old.stream_keys if old else {}
    return Crew(oem, app_id, app_secret, email, password, tuple(members), stream_keys)


async def move_in(crew: Crew, resident: Resident) -> Crew:
    """Register the devices that are nobody's yet, and make the subscriptions; answer the crew with their keys.

    Raises:
        RefusalError: the server refuses the user, or a device is somebody else's.
    """
    owned = await resident.list_devices()
    for member in crew.devices:
        if member.dsn not in owned:
            try:
                await resident.register(member.dsn)
            except RefusalError:
                if member.dsn not in await resident.list_devices():  # else a lost answer was asked for again
                    raise
    models = ",".join(sorted({member.oem_model for member in crew.devices}))
    keys = await resident.subscribe_all("simulated", {"dsn": "*", "oem_model": models}, crew.stream_keys)
    return msgspec.structs.replace(crew, stream_keys=keys)


def _set_up_application(path: str, old: Crew | None, operate: Operate) -> tuple[str, str]:
    present = [application["app_id"] for application in operate("GET", f"{path}/applications", None)]
    if old and old.app_id in present:
        return old.app_id, old.app_secret
    made = operate("POST", f"{path}/applications", {"name": "simulator"})
    return made["app_id"], made["app_secret"]


def _set_up_user(scenario: Scenario, path: str, old: Crew | None, operate: Operate) -> tuple[str, str]:
    """Keep the user, or make one who may subscribe to all that happens in the OEM; answer email and password."""
    email = f"{scenario.oem}@simulated.example"
    present = {user["email"]: user for user in operate("GET", f"{path}/users", None)}
    if email in present and old and old.email == email:
        return email, old.password
    password = uuid4().hex
    if email in present:
        operate("PATCH", f"/admin/v1/users/{present[email]['uuid']}", {"password": password})
    else:
        operate("POST", f"{path}/users", {"email": email, "password": password, "role": OEM_ADMIN})
    return email, password
