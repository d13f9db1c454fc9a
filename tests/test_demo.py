"""What the demo sets up in a server's folder, and what it keeps there."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import msgspec
import pytest

from tests.services import OPERATOR, open_services
from tests.twins import open_twins
from twinstream.demo import OEM, DemoFile, World, find_command, populate, print_guide, shorten_path
from twinstream.model.application import ApplicationKey
from twinstream.model.template import TemplatePlan
from twinstream.simulator.model import LEDEVB, LINUXEVB
from twinstream.system import write_private


async def set_up(folder: Path) -> tuple[World, str]:
    """Populate the folder as a starting server does; answer the world, and the role that its user signs in with."""
    async with open_twins(folder) as twins:
        world = await populate(folder, twins.admin, twins.templates, twins.devices, twins.new_id)
        account = world.account
        trio = await twins.users.sign_in(
            account.email, account.password, ApplicationKey(account.app_id, account.app_secret), "127.0.0.1"
        )
        return world, trio.role


def as_file(world: World) -> DemoFile:
    """What `run` would write of the world."""
    account = world.account
    return DemoFile(
        "http://127.0.0.1:8800",
        "0dfc7900",
        account.app_id,
        account.app_secret,
        account.email,
        account.password,
        world.devices,
        {"datapoint": "0" * 32},
    )


async def test_the_documents_world_is_there(tmp_path: Path) -> None:
    """The OEM, a user of it, an application, and the three devices, the two that stay first."""
    world, role = await set_up(tmp_path)
    assert role == "OEM::Admin"
    assert [(device.dsn, device.oem_model) for device in world.devices] == [
        ("AC000W000340649", "ledevb"),
        ("AC000W005606115", "linuxevb"),
        ("AC000W000340779", "ledevb"),
    ]
    assert set(world.public_keys) == {device.dsn for device in world.devices}


async def test_devices_get_their_properties_from_templates(tmp_path: Path) -> None:
    """Each model has a template, and each device what that holds; what someone made of a template stays."""
    await set_up(tmp_path)
    async with open_twins(tmp_path) as twins:
        templates = {one.oem_model: one for one in await twins.templates.list_of_oem(OPERATOR, OEM)}
        assert {model: [plan.name for plan in one.properties] for model, one in templates.items()} == {
            model.oem_model: list(model.properties) for model in (LEDEVB, LINUXEVB)
        }
        devices = await twins.devices.list_of_oem(OPERATOR, OEM)
        assert [device.template_id for device in devices] == [templates[device.oem_model].id for device in devices]
        plan = TemplatePlan(oem_model="ledevb", properties=())
        await twins.templates.replace(OPERATOR, OEM, templates["ledevb"].id, plan)
    await set_up(tmp_path)
    async with open_twins(tmp_path) as twins:
        assert [len(one.properties) for one in await twins.templates.list_of_oem(OPERATOR, OEM)] == [0, 9]


async def test_run_again_it_keeps_everything(tmp_path: Path) -> None:
    """Keys of devices, password and application are the same as before."""
    world, _ = await set_up(tmp_path)
    write_private(tmp_path / "demo.json", msgspec.json.encode(as_file(world)))
    again, _ = await set_up(tmp_path)
    assert (again.account, again.devices, again.public_keys) == (world.account, world.devices, world.public_keys)
    assert again.old_stream_keys == {"datapoint": "0" * 32}


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"url": 5}'])
async def test_without_its_file_only_the_secrets_are_new(tmp_path: Path, content: bytes | None) -> None:
    """Someone has removed or damaged demo.json, or the first start was cut short: the demo can sign in all the same."""
    world, _ = await set_up(tmp_path)
    if content is not None:
        (tmp_path / "demo.json").write_bytes(content)
    again, role = await set_up(tmp_path)
    assert role == "OEM::Admin"
    assert again.account.password != world.account.password
    assert (again.devices, again.public_keys) == (world.devices, world.public_keys)


async def test_retention_that_someone_has_changed_stays(tmp_path: Path) -> None:
    """The demo sets limits of its own once; then they are the operator's."""
    await set_up(tmp_path)
    async with open_services(tmp_path) as services:
        (oem,) = await services.admin.list_oems(OPERATOR)
        assert oem.retention.age_s == 2 * 86_400
        changed = msgspec.structs.replace(oem.retention, age_s=60.0)
        await services.admin.set_retention(OPERATOR, oem.id, changed)
    await set_up(tmp_path)
    async with open_services(tmp_path) as services:
        (oem,) = await services.admin.list_oems(OPERATOR)
        assert oem.retention == changed


def test_the_guide_has_lines_to_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for each stream, one that sets an LED, and where the rest is told."""
    monkeypatch.chdir(tmp_path)
    demo = DemoFile("https://h:1", "0dfc7900", "a", "s", "e", "p", (), {"datapoint": "k1", "location": "k2"})
    out = io.StringIO()
    print_guide(demo, tmp_path / "twinstream-data", {"Authorization": "auth_token t"}, out)
    text = out.getvalue()
    assert "tail 'wss://h:1/stream?stream_key=k1'" in text
    assert "tail 'wss://h:1/stream?stream_key=k2'" in text
    assert "curl -sS 'https://h:1/apiv1/dsns/AC000W000340649/properties/Green_LED/datapoints.json'" in text
    assert "-H 'Authorization: auth_token t'" in text
    assert "in twinstream-data/demo.json" in text
    assert "https://h:1/api" in text


def test_the_command_is_called_as_one_can_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to a checkout that one stands in; by its name where that finds it; else in full."""
    command = tmp_path / "checkout" / ".venv" / "bin" / "twinstream"
    command.parent.mkdir(parents=True)
    command.touch(mode=0o755)
    monkeypatch.setattr(sys, "prefix", str(command.parent.parent))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path / "checkout")
    assert find_command() == ".venv/bin/twinstream"
    monkeypatch.chdir("/")
    assert find_command() == str(command).removeprefix("/")
    monkeypatch.setenv("PATH", str(command.parent))
    assert find_command() == "twinstream"


def test_a_path_elsewhere_is_told_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that does not lie below the working directory is no use relative to it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert shorten_path(tmp_path / "there") == str(tmp_path / "there")
