"""The application as a whole: paths, errors, credentials and headers, over routes of its own and without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Request, get, post
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.model.principal import Device, Operator
from twinstream.service.authentication import Authenticated, DeviceCredential
from twinstream.system import SystemClock, SystemIds
from twinstream.web.address import Addresses
from twinstream.web.app import create_app
from twinstream.web.authentication import Given
from twinstream.web.body import BodyLimits, read_bytes, read_json
from twinstream.web.outer import RequestIds


class Users:
    """Knows one token."""

    async def authenticate(self, access_token: str) -> str:
        if access_token != "good":
            raise RequestError("unauthorized")
        return "ana"


class Devices:
    """Answers with what it was shown."""

    async def authenticate(self, credential: DeviceCredential) -> Authenticated:
        if credential.auth_key == "bad" or credential.proof == "bad":
            raise RequestError("unauthorized")
        shown = msgspec.json.encode(credential).decode()
        return Authenticated(Device(1, shown, "0dfc7900", "m"), "next" if credential.proof else None)


@post("/apiv1/lamps")
async def create_lamp(request: Request[Any, Any, Any], user: Given[str]) -> dict[str, Any]:
    """Example route."""
    return {"user": user, "body": await read_json(request)}


@get("/apiv1/lamps/{number:int}")
async def get_lamp(number: FromPath[int], request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Example route."""
    return {"number": number, "body": (await read_bytes(request)).decode()}


@get("/api/v1/oemAccessRules")
async def list_rules() -> list[int]:
    """Example route."""
    return [1]


@get("/dev/v1/whoami")
async def whoami(device: Given[Device]) -> Any:
    """Example route."""
    return msgspec.json.decode(device.dsn)


@get("/apiv1/broken")
async def fail() -> None:
    """Example route."""
    raise RuntimeError("a detail that nobody may see")


@get("/admin/check")
async def check_operator(operator: Given[Operator]) -> None:
    """Example route."""


ROUTES = [create_lamp, get_lamp, list_rules, whoami, fail, check_operator]


def _open(address: str = "127.0.0.1", **options: Any) -> httpx.AsyncClient:
    services = {"users": Users(), "device_authentication": Devices(), "clock": SystemClock()}
    app = create_app(
        services,
        request_ids=RequestIds(SystemIds()),
        addresses=Addresses(),
        operator_token="secret",
        routes=ROUTES,
        **options,
    )
    transport = httpx.ASGITransport(app=app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://testserver")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the example routes."""
    async with _open() as client:
        yield client


GOOD = {"authorization": "auth_token good"}


@pytest.mark.parametrize(
    "path",
    [
        "/apiv1/lamps/7",
        "/apiv1/lamps/7.json",
        "/apiv1/lamps/7/",
        "/api/v1/oemaccessrules",
        "/api/v1/OEMACCESSRULES.json",
    ],
)
async def test_suffix_and_case(client: httpx.AsyncClient, path: str) -> None:
    """`.json` is optional everywhere, and the access rules' path is known in any case."""
    assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/apiv1/lamps/7.json.json",
        "/apiv1//lamps/7",
        "//apiv1/lamps/7",
        "/apiv1/%2e%2e/apiv1/lamps/7",
        "/apiv1/lamps/7.",
        "/apiv1/lamps/seven",
        "/apiv1/x%2f..%2flamps/7",
        "/APIV1/lamps/7",
    ],
)
async def test_other_forms_of_a_path_are_not_found(client: httpx.AsyncClient, path: str) -> None:
    """A path that is not exactly a route's is 404, whatever it would decode to."""
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/apiv1/%00", "/apiv1/%0d%0ax", "/apiv1/%c0%af"])
async def test_control_characters_in_a_path_are_refused(client: httpx.AsyncClient, path: str) -> None:
    """A path with control characters or bytes that are not UTF-8 is 400."""
    assert (await client.get(path)).status_code == 400


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/users/x", {"error": "text", "errors": "text", "code": "not_found"}),
        ("/api/v1/users/x", {"error": "text", "errors": "text", "code": "not_found"}),
        (
            "/apiv1/x",
            {
                "error": {"code": 404, "message": "text"},
                "errors": [{"code": "404", "message": "text"}],
                "code": "not_found",
            },
        ),
        (
            "/dsns/x",
            {
                "error": {"code": 404, "message": "text"},
                "errors": [{"code": "404", "message": "text"}],
                "code": "not_found",
            },
        ),
        ("/api/v1/subscriptions/x", {"errors": [{"code": "not_found", "message": "text"}]}),
        ("/api/v1/oemaccessrules/x", {"errors": [{"code": "not_found", "message": "text"}]}),
        ("/else", {"type": "about:blank", "title": "text", "status": 404, "detail": "text", "code": "not_found"}),
    ],
)
async def test_each_service_has_its_envelope(client: httpx.AsyncClient, path: str, expected: dict[str, Any]) -> None:
    """An error has the form of the service whose path it is, and holds the request id that the header names too."""
    response = await client.get(path)
    body = response.json()
    assert body.pop("request_id") == response.headers["x-request-id"]
    text = "There is no such thing, or it is not yours."
    assert body == msgspec.json.decode(msgspec.json.encode(expected).replace(b'"text"', msgspec.json.encode(text)))


async def test_unexpected_errors_show_nothing(client: httpx.AsyncClient) -> None:
    """What was not raised on purpose is 500 `internal` without a detail."""
    response = await client.get("/apiv1/broken")
    assert response.status_code == 500
    assert response.json()["code"] == "internal"
    assert "detail" not in response.text


async def test_wrong_method(client: httpx.AsyncClient) -> None:
    """A method that the path does not know is 405, with those that it knows in Allow."""
    response = await client.put("/apiv1/lamps")
    assert response.status_code == 405
    assert "POST" in response.headers["allow"]
    assert response.json()["code"] == "method_not_allowed"
    made_up = await client.request("BREW", "/apiv1/lamps", headers={"x-http-method-override": "POST"})
    assert made_up.status_code == 405


async def test_head(client: httpx.AsyncClient) -> None:
    """HEAD answers as GET does."""
    assert (await client.head("/apiv1/lamps/7")).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 401),
        ([("authorization", "auth_token")], 401),
        ([("authorization", "auth_token ")], 401),
        ([("authorization", "Bearer good")], 401),
        ([("authorization", "auth_token wrong")], 401),
        ([("authorization", "auth_token g\u00f6\u00f6d".encode())], 401),
        ([("authorization", "auth_token good"), ("authorization", "auth_token good")], 400),
        ([("authorization", "AUTH_TOKEN good")], 201),
    ],
)
async def test_access_token(client: httpx.AsyncClient, headers: list[tuple[str, Any]], status: int) -> None:
    """A user is whoever shows `Authorization: auth_token <token>` once, with a token in force."""
    assert (await client.post("/apiv1/lamps", json={}, headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-Ayla-auth-key": "Ayla1.0 k"}, ["k", None]),
        ({"x-ayla-client-auth": "ayla1.0 p=="}, [None, "p=="]),
        ({"x-ayla-auth-key": "Ayla1.0 k", "x-ayla-client-auth": "Ayla1.0 p"}, ["k", None]),
    ],
)
async def test_device_credential(
    client: httpx.AsyncClient, headers: dict[str, str], expected: list[str | None]
) -> None:
    """A device shows its key, or a proof over method and path; then it is told the time and its key."""
    response = await client.get("/dev/v1/whoami.json?x=1", headers=headers)
    seen = response.json()
    assert [seen["auth_key"], seen["proof"]] == expected
    assert [seen["method"], seen["target_path"]] == ["GET", "/dev/v1/whoami.json"]
    assert response.headers.get("x-ayla-auth-key") == ("next" if seen["proof"] else None)
    assert ("x-ayla-server-time" in response.headers) == (seen["proof"] is not None)


async def test_a_refused_proof_tells_the_time(client: httpx.AsyncClient) -> None:
    """A device whose clock is off learns the time from the refusal of its proof."""
    response = await client.get("/dev/v1/whoami", headers={"x-ayla-client-auth": "Ayla1.0 bad"})
    assert response.status_code == 401
    assert int(response.headers["x-ayla-server-time"]) > 0


@pytest.mark.parametrize("headers", [{}, {"x-ayla-auth-key": "k"}, {"x-ayla-auth-key": "Ayla1.0 "}])
async def test_device_without_credential(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """A device without a well-formed credential is 401."""
    assert (await client.get("/dev/v1/whoami", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("address", "token", "status"),
    [
        ("127.0.0.1", "secret", 200),
        ("::1", "secret", 200),
        ("10.0.0.5", "secret", 200),  # the address at which the server is asked
        ("127.0.0.1", "good", 401),
        ("10.0.0.1", "secret", 401),
    ],
)
async def test_operator(address: str, token: str, status: int) -> None:
    """The operator is whoever shows the token of the data folder from the server's own machine."""
    headers = {"authorization": f"auth_token {token}"}
    async with _open(address) as client:
        assert (await client.get("http://10.0.0.5/admin/check", headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", {}, 400, "bad_json"),
        (b"", {}, 400, "bad_json"),
        (b"\xef\xbb\xbf{}", {}, 400, "bad_json"),
        (b'{"a":1,"a":1}', {}, 400, "bad_json"),
        (b"NaN", {}, 422, "invalid"),
        (b'"\\ud800"', {}, 422, "invalid"),
        (b"{}", {"content-type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {"content-type": "application/json; charset=utf-16"}, 415, "unsupported_media_type"),
        (b"{}", {"content-encoding": "gzip"}, 415, "unsupported_media_type"),
        (b" " * 2000, {}, 413, "body_too_large"),
    ],
)
async def test_bodies_that_are_refused(content: bytes, headers: dict[str, str], status: int, code: str) -> None:
    """A body that is no JSON, too long or of another type or encoding is refused by its code."""
    async with _open(body_limits=BodyLimits(size_bytes=1000)) as client:
        response = await client.post("/apiv1/lamps", content=content, headers=GOOD | headers)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert (response.headers.get("connection") == "close") == (status == 413)


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "application/JSON; charset=UTF-8", "application/merge-patch+json"]
)
async def test_content_types_that_are_accepted(client: httpx.AsyncClient, content_type: str | None) -> None:
    """JSON may come without a content type, or with one that says JSON."""
    headers = GOOD | ({"content-type": content_type} if content_type else {})
    response = await client.post("/apiv1/lamps", content=b'{"a":[1]}', headers=headers)
    assert response.json() == {"user": "ana", "body": {"a": [1]}}


async def test_get_with_a_body(client: httpx.AsyncClient) -> None:
    """GET may carry a body: three compatible endpoints read one."""
    response = await client.request("GET", "/apiv1/lamps/7", content=b"{}")
    assert response.json() == {"number": 7, "body": "{}"}


async def test_any_origin_by_default(client: httpx.AsyncClient) -> None:
    """Pages of every origin may read answers, without credentials of the browser's."""
    response = await client.get("/apiv1/lamps/7", headers={"origin": "https://app.example"})
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers
    preflight = await client.options(
        "/apiv1/lamps",
        headers={"origin": "https://app.example", "access-control-request-headers": "authorization,content-type"},
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-headers"] == "authorization,content-type"
    assert "DELETE" in preflight.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://good.example", True),
        ("http://good.example", False),
        ("https://good.example.evil.com", False),
        ("null", False),
    ],
)
async def test_allowed_origins(origin: str, allowed: bool) -> None:
    """Where allowed_origins is set, only exactly these may read answers."""
    async with _open(allowed_origins=("https://good.example",)) as client:
        response = await client.get("/apiv1/lamps/7", headers={"origin": origin})
    assert response.headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert "origin" in response.headers["vary"]
