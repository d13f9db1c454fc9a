"""schemathesis over the OpenAPI document, against a live server: whatever is sent, nothing is answered with 5xx.

Each operation is called by whom it is for: a user who is an OEM's administrator, a device, or the operator; each case
as it was generated, and once more on a device that exists. Successes must have the form that the document says.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.live.server import ServerProcess, running_server
from tests.web.described import describing
from twinstream.simulator.clock import SystemClock
from twinstream.simulator.device import DeviceCredential

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

OEM = "0dfc7900"
DSN = "AC000W000000001"
PASSWORD = "correct horse"
EXAMPLES = 4
"""Generated cases for each operation, right ones and wrong ones each; all take about 30 s."""

SOAK_EXAMPLES = 200

SOAK_EXAMPLES = 200

UNMAKING = {("DELETE", "/users"), ("PUT", "/users"), ("PUT", "/users/update_email")}
"""Operations that may end the caller's account or token: somebody new calls them each time."""

CHECKS: tuple[CheckFunction, ...] = (
    schemathesis.checks.not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
)
PROPERTIES = [
    {"name": "Blue_LED", "base_type": "boolean", "direction": "input", "ack_enabled": True},
    {"name": "level", "base_type": "integer", "direction": "input"},
    {"name": "log", "base_type": "file", "direction": "output"},
    {"name": "note", "base_type": "message", "direction": "input"},
]


class World:
    """A running server, and everybody who calls it."""

    def __init__(self, server: ServerProcess) -> None:
        self.url = server.url
        self._http = httpx.Client(base_url=server.url, timeout=20)
        token = json.loads((server.data / "admin.json").read_text())["token"]
        self._operator = {"Authorization": f"auth_token {token}"}
        self._users = 0
        self._call("/admin/v1/oems", {"name": "Example", "id": OEM}, self._operator)
        self._user = self.make_user("OEM::Admin")
        body = {"dsn": DSN, "oem_model": "ledevb", "properties": PROPERTIES}
        made = self._call(f"/admin/v1/oems/{OEM}/devices", body, self._operator)
        self._call("/apiv1/devices", {"device": {"dsn": DSN}}, self._user)
        device = DeviceCredential(DSN, made["public_key"], SystemClock())
        hello = device.ask()
        device.accept(self._http.request(hello.method, hello.path, headers=hello.headers))
        assert device.headers is not None
        self._device = dict(device.headers)
        properties = self._http.get(f"/apiv1/dsns/{DSN}/properties", headers=self._user).json()
        self.existing = {
            "dsn": DSN,
            "device_key": str(device.device["key"]),
            "name": "level",
            "property_key": str(properties[0]["property"]["key"]),
            "oem": OEM,
        }

    def make_user(self, role: str = "EndUser") -> dict[str, str]:
        """Make a user; answer the header by which they call."""
        self._users += 1
        user = {"email": f"user{self._users}@example.com", "password": PASSWORD}
        self._call(f"/admin/v1/oems/{OEM}/users", user | {"role": role}, self._operator)
        token = self._call("/users/sign_in", {"user": user}, {})["access_token"]
        return {"Authorization": f"auth_token {token}"}

    def headers_for(self, operation: Any) -> dict[str, str]:
        """Answer what the caller of an operation shows."""
        if (operation.method.upper(), operation.path) in UNMAKING:
            return self.make_user()
        schemes = {scheme for choice in operation.definition.raw.get("security", []) for scheme in choice}
        if "userToken" in schemes:
            return self._user
        return self._device if "deviceKey" in schemes else self._operator if "operatorToken" in schemes else {}

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def _call(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        answer = self._http.post(path, json=body, headers=headers)
        assert answer.is_success, (path, answer.text)
        return answer.json()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """See `World`."""
    with running_server(tmp_path_factory.mktemp("fuzz") / "data") as server:
        world = World(server)
        yield world
        world.close()


async def read_document() -> Any:
    """The OpenAPI document of all routes."""
    async with describing() as client:
        return (await client.get("/openapi.json")).json()


SCHEMA = schemathesis.openapi.from_dict(asyncio.run(read_document()))
OPERATIONS: list[Any] = [cast(Any, result).ok() for result in SCHEMA.get_all_operations()]
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
each_mode = pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)


@each_operation
@each_mode
def test_no_request_makes_the_server_fail(operation: Any, mode: GenerationMode, world: World) -> None:
    """No 5xx, and answers as they are described."""
    fuzz(operation, mode, world, EXAMPLES)


@pytest.mark.soak
@each_operation
@each_mode
def test_no_request_makes_the_server_fail_for_long(operation: Any, mode: GenerationMode, world: World) -> None:
    """The same with many more cases."""
    fuzz(operation, mode, world, SOAK_EXAMPLES)


def fuzz(operation: Any, mode: GenerationMode, world: World, examples: int) -> None:
    """Call an operation with generated cases, right or wrong ones."""

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        headers = world.headers_for(operation)
        case.call_and_validate(base_url=world.url, headers=headers, checks=CHECKS)
        known = {name: world.existing[name] for name in case.path_parameters if name in world.existing}
        if known:
            case.path_parameters.update(known)
            case.call_and_validate(base_url=world.url, headers=headers, checks=CHECKS)

    with contextlib.suppress(Unsatisfiable):  # some operations take nothing that could be wrong
        call()
