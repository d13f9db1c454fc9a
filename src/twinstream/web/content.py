"""Files and messages: their bytes at signed addresses (`/files`), and what users and devices say of them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, get, put
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.model.content import FILE_LIMIT_BYTES, WHOLE, read_part
from twinstream.model.datapoint import Datapoint
from twinstream.model.principal import Device, User
from twinstream.service.content import ContentService
from twinstream.web.authentication import Given
from twinstream.web.body import BodyLimits, check_head, read_bytes, receive_body
from twinstream.web.openapi import describe_body, describe_query
from twinstream.web.query import read_query
from twinstream.web.ref import require_own
from twinstream.web.signed import RequestLinks
from twinstream.wire.content import MarkRequest, read_mark
from twinstream.wire.datapoint import DatapointReply, show_datapoint

_MARK = describe_body(MarkRequest, required=False)
_UPLOAD = describe_body(
    bytes,
    media_type="application/octet-stream",
    query={"expires": "Of the signed address.", "signature": "Of the signed address."},
    headers={"Content-Range": "Which part of the whole these bytes are."},
)
_OWN = "/devices/{device_key:str}/properties/{property_key:str}"


@put(
    "/files/{datapoint_id:str}",
    operation_class=_UPLOAD,
    tags=["datapoints"],
)
async def upload_file(
    datapoint_id: FromPath[str], request: Request[Any, Any, Any], contents: Given[ContentService]
) -> None:
    """Take the bytes of a file or message, at the address that its creation answered; no other credential is asked for.

    With ``Content-Range: bytes 0-99/200`` they come in several parts, in order; parts of an unknown whole
    (``bytes 0-99/*``) are complete once a PUT to ``/apiv1/datapoints/<id>`` says so. After that more bytes are 406.
    A file has at most 16 MiB, a message 512 KiB.
    """
    _check_signature(contents, request, "PUT", datapoint_id)
    await contents.upload(datapoint_id, read_part(request.headers.get("content-range")), _receive(request))


@get(
    "/files/{datapoint_id:str}",
    operation_class=describe_query(
        "expires", "signature", expires="Of the signed address.", signature="Of the signed address."
    ),
    media_type="application/octet-stream",
    tags=["datapoints"],
)
async def download_file(
    datapoint_id: FromPath[str], request: Request[Any, Any, Any], contents: Given[ContentService]
) -> Response[bytes]:
    """Answer the bytes, at the address in the datapoint; 406 while they are not all there.

    Once a file was marked as fetched it is 404.
    """
    _check_signature(contents, request, "GET", datapoint_id)
    content, data = await contents.read(datapoint_id)
    headers = {"content-disposition": "attachment"}
    return Response(data, media_type=content.mime_type or "application/octet-stream", headers=headers)


@put("/apiv1/datapoints/{datapoint_id:str}", operation_class=_MARK, tags=["datapoints"])
async def mark_datapoint(
    datapoint_id: FromPath[str], request: Request[Any, Any, Any], user: Given[User], contents: Given[ContentService]
) -> DatapointReply:
    """Say of a file that all its bytes have come (empty body), that it was ``fetched``, or that it is ``discarded``.

    A file that was fetched cannot be read any more. 406: it is not complete.
    """
    return show_datapoint(await _mark(contents, user, datapoint_id, request), RequestLinks(contents, request.scope))


@get(f"{_OWN}/datapoints/{{datapoint_id:str}}", tags=["device side"])
async def get_own_datapoint(
    device_key: FromPath[str],
    property_key: FromPath[str],
    datapoint_id: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    contents: Given[ContentService],
) -> DatapointReply:
    """Answer a file or message that was sent to the device, with the address of its bytes."""
    require_own(device, device_key)
    await contents.require_own(device, property_key, datapoint_id)
    found = await contents.find_own(device, datapoint_id)
    return show_datapoint(found, RequestLinks(contents, request.scope, to_device=True))


@put(f"{_OWN}/datapoints/{{datapoint_id:str}}", operation_class=_MARK, tags=["device side"])
async def mark_own_datapoint(
    device_key: FromPath[str],
    property_key: FromPath[str],
    datapoint_id: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    contents: Given[ContentService],
) -> None:
    """Take from a device that all bytes have come (empty body), that it fetched a file, or that it discards one."""
    require_own(device, device_key)
    await contents.require_own(device, property_key, datapoint_id)
    await _mark(contents, device, datapoint_id, request)


@put(
    [
        f"{_OWN}/message_datapoints/{{datapoint_id:str}}",
        "/dev/v1/dsns/{device_key:str}/properties/{property_key:str}/message_datapoints/{datapoint_id:str}",
    ],
    operation_class=describe_body(bytes, media_type="application/octet-stream"),
    tags=["device side"],
)
async def upload_own_message(
    device_key: FromPath[str],
    property_key: FromPath[str],
    datapoint_id: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    contents: Given[ContentService],
) -> None:
    """Take all bytes of a message from a device."""
    require_own(device, device_key)
    await contents.require_own(device, property_key, datapoint_id)
    await contents.upload(datapoint_id, WHOLE, _receive(request))


ROUTES = [
    upload_file,
    download_file,
    mark_datapoint,
    get_own_datapoint,
    mark_own_datapoint,
    upload_own_message,
]


async def _mark(
    contents: ContentService, caller: User | Device, datapoint_id: str, request: Request[Any, Any, Any]
) -> Datapoint:
    mark = read_mark(await read_bytes(request))
    if mark is None:
        return await contents.complete(caller, datapoint_id)
    return await contents.finish(caller, datapoint_id, discard=mark.discarded)


def _check_signature(contents: ContentService, request: Request[Any, Any, Any], method: str, datapoint_id: str) -> None:
    expires, signature = read_query(request, "expires") or "", read_query(request, "signature") or ""
    if _EXPIRES.fullmatch(expires) is None:
        raise RequestError("forbidden", "The address has expired, or is not signed.")
    contents.check_signature(method, datapoint_id, expires, signature)


async def _receive(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """Receive a body with the limit of a file. Why whole: it is small, and a broken upload then changes nothing."""
    limits: BodyLimits = request.app.state["body_limits"]
    own = BodyLimits(FILE_LIMIT_BYTES, limits.timeout_s)
    check_head(request.headers.get("content-encoding"), request.headers.get("content-length"), own)
    yield await receive_body(request.receive, own)


_EXPIRES = re.compile(r"[0-9]{1,12}", re.ASCII)
