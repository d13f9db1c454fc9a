"""Who is calling: from headers to principals.

Owns how a request carries its credential; what the credential is worth the services decide. A handler that needs a
caller declares a parameter named ``user`` or ``device`` (and gets a 401 answered before it runs if there is none)::

    @get("/apiv1/devices")
    async def list_devices(user: Given[User], devices: Given[DeviceService]) -> ...

The routes of `twinstream admin` take an ``operator`` in the same way, or an ``administrator``: the operator or a user.

`create_app` is given ``users`` and ``device_authentication``, which have the ``authenticate`` of the protocols here.
Invariant: a credential given twice is no credential, since nobody can say which of the two a proxy looked at.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable
from typing import Annotated, Any, Protocol, TypeVar

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidationMarker

from twinstream.errors import RequestError
from twinstream.model.principal import Device, Operator, User
from twinstream.ports.clock import Clock
from twinstream.service.authentication import Authenticated, DeviceCredential

T = TypeVar("T")

Given = Annotated[NamedDependency[T], SkipValidationMarker()]
"""A handler's parameter that `create_app` fills in by its name: a service, ``user`` or ``device``."""


class UserAuthenticator(Protocol):
    """The part of the user service that this module needs."""

    async def authenticate(self, access_token: str) -> User:
        """Answer the principal that the token stands for.

        Raises RequestError ``unauthorized`` for any token that is not in force.
        """


class DeviceAuthenticator(Protocol):
    """The part of the authentication of devices that this module needs."""

    async def authenticate(self, credential: DeviceCredential) -> Authenticated:
        """Answer who it is, and the key to give it if it has none. Raises RequestError ``unauthorized``."""


async def provide_user(request: Request[Any, Any, Any], users: Given[UserAuthenticator]) -> User:
    """Find the calling user."""
    return await users.authenticate(read_access_token(request.scope["headers"]))


async def provide_device(
    request: Request[Any, Any, Any], device_authentication: Given[DeviceAuthenticator], clock: Given[Clock]
) -> Device:
    """Find the calling device. One that shows a proof is told the time, and if it is right an authentication key."""
    scope = request.scope
    credential = read_device_credential(scope["headers"], scope["method"], scope["raw_path"])
    if credential.proof is not None:
        add_response_header(request, "x-ayla-server-time", str(int(clock.now_s())))
    authenticated = await device_authentication.authenticate(credential)
    if authenticated.auth_key is not None:
        add_response_header(request, "x-ayla-auth-key", authenticated.auth_key)
    return authenticated.device


async def provide_operator(request: Request[Any, Any, Any]) -> Operator:
    """Take whoever shows the token of the data folder, from this machine, for the operator."""
    if not _is_operator(request, read_access_token(request.scope["headers"])):
        raise RequestError("unauthorized")
    return Operator()


async def provide_administrator(request: Request[Any, Any, Any], users: Given[UserAuthenticator]) -> Operator | User:
    """Find the operator, or else the calling user, whose role the services look at."""
    token = read_access_token(request.scope["headers"])
    return Operator() if _is_operator(request, token) else await users.authenticate(token)


def read_access_token(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Take the token out of ``Authorization: auth_token <token>``.

    Raises RequestError ``unauthorized``, 400 for two such headers.
    """
    scheme, _, token = _read_single(headers, b"authorization").partition(" ")
    if scheme.lower() != "auth_token" or not token.strip():
        raise RequestError("unauthorized")
    return token.strip()


def read_device_credential(headers: Iterable[tuple[bytes, bytes]], method: str, raw_path: bytes) -> DeviceCredential:
    """Take a device's credential out of its headers; names and the word ``Ayla1.0`` in any case.

    Raises RequestError ``unauthorized``.
    """
    auth_key = _strip_version(_read_single(headers, b"x-ayla-auth-key"))
    proof = None if auth_key else _strip_version(_read_single(headers, b"x-ayla-client-auth"))
    if not auth_key and not proof:
        raise RequestError("unauthorized")
    return DeviceCredential(auth_key, proof, method, raw_path.decode("ascii"))


def add_response_header(request: Request[Any, Any, Any], name: str, value: str) -> None:
    """Add a header to the response of this request, whoever makes that; the name in lower case."""
    request.scope["state"].setdefault("response_headers", []).append((name.encode("ascii"), value.encode("ascii")))


def _is_operator(request: Request[Any, Any, Any], token: str) -> bool:
    client, own = request.scope["client"], request.scope["server"]
    is_here = client is not None and (ipaddress.ip_address(client[0]).is_loopback or (own and client[0] == own[0]))
    return bool(is_here) and secrets.compare_digest(token, request.app.state["operator_token"])


def _read_single(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    values = [value for name, value in headers if name == wanted]
    if len(values) > 1:
        raise RequestError("bad_request", f"The header {wanted.decode()} is given twice.")
    if not values or not values[0].isascii():
        return ""
    return values[0].decode("ascii")


def _strip_version(value: str) -> str | None:
    version, _, rest = value.partition(" ")
    return rest.strip() or None if version.lower() == "ayla1.0" else None
