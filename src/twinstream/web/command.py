"""What waits for a device: `GET /devices/<key>/commands`, and the results of commands.

Polling is hot: see `web.hot`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from litestar import Request, Response, get, put
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.model.principal import Device
from twinstream.service.command import CommandService
from twinstream.web.authentication import Given
from twinstream.web.openapi import describe_query
from twinstream.web.query import read_query
from twinstream.web.ref import require_own
from twinstream.wire.body import read_id
from twinstream.wire.command import CommandsReply, show_pending

PARTIAL = 206
"""The status of an answer that is not all: the device asks again (ayla-facts 4.2)."""


@get(
    ["/devices/{device_key:str}/commands", "/devices/{device_key:str}/cmds"],
    operation_class=describe_query(input="`true`: also the present values of all inputs.", all="The same."),
    tags=["device side"],
)
async def poll_commands(
    device_key: FromPath[str], request: Request[Any, Any, Any], device: Given[Device], commands: Given[CommandService]
) -> Response[CommandsReply]:
    """Answer what waits for the device: values that were set, and commands. 206: there is more, ask again.

    With ``input=true`` or ``all=true`` the present values of all input properties are among them, and of each file
    property the file that is to be fetched next; messages are left out. What else these mean no source says.
    ``polling`` and ``signal`` change nothing.

    Delivery is at least once. What an answer held waits on until the device asks again over the same connection,
    echoes or acknowledges the value, or sends the command's result; what was handed out twice waits no more. So a
    device that opens a connection for each request gets a value twice, unless it echoes or acknowledges it in between:
    take a value that is there already as done. A file stays the next one of its property until it was marked as
    fetched: after ``GET /dsns/<DSN>``, and with ``all=true``, it is told again.
    """
    require_own(device, device_key)
    if wants_all(request.scope["query_string"]):
        await commands.renew(device)
    pending = await commands.poll(device, request.scope["client"])
    return Response(show_pending(pending), status_code=PARTIAL if pending.more else 200)


@put(
    "/devices/{device_key:str}/cmd_post_process",
    operation_class=describe_query("cmd_id", cmd_id="The command's `id`.", status="The HTTP status of the result."),
    tags=["device side"],
)
async def finish_command(
    device_key: FromPath[str], request: Request[Any, Any, Any], device: Given[Device], commands: Given[CommandService]
) -> None:
    """Take the result of a command (``cmd_id``); whatever it was, the command waits no more."""
    require_own(device, device_key)
    command_id = read_query(request, "cmd_id")
    if command_id is None:
        raise RequestError("bad_query", "cmd_id is missing.", field="cmd_id")
    await commands.finish(device, read_id(command_id))


def wants_all(query: bytes) -> bool:
    """Tell from a query as sent whether the present values of all inputs are wanted."""
    values = parse_qs(query.decode("latin-1")) if query else {}
    return "true" in values.get("input", ()) or "true" in values.get("all", ())


ROUTES = [poll_commands, finish_command]
