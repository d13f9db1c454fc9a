"""Nodes: `/dev/v1/dsns/<gateway>/nodes` for gateways, `registered_nodes` for users."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.model.principal import Device, User
from twinstream.service.command import CommandService
from twinstream.service.content import ContentService
from twinstream.service.datapoint import DatapointService
from twinstream.service.device import DeviceService
from twinstream.service.node import NodeService
from twinstream.web.authentication import Given
from twinstream.web.body import check_json_type, read_bytes, read_json
from twinstream.web.command import PARTIAL
from twinstream.web.datapoint import create_by_device, read_echo
from twinstream.web.openapi import describe_body, describe_query
from twinstream.web.query import read_query
from twinstream.web.receipt import DESCRIBED, read_repeatable
from twinstream.web.ref import require_own
from twinstream.web.signed import RequestLinks
from twinstream.wire.body import read_id
from twinstream.wire.command import CommandsReply, show_pending
from twinstream.wire.datapoint import DatapointReply, DatapointRequest
from twinstream.wire.device import DeviceReply, show_device
from twinstream.wire.node import (
    NodeConnectionRequest,
    NodeReply,
    NodeRequest,
    read_connection,
    read_node,
    read_node_change,
    show_node,
)

_NODES = "/dev/v1/dsns/{dsn:str}/nodes"
_NODE = f"{_NODES}/{{node_dsn:str}}"


@get("/apiv1/dsns/{dsn:str}/registered_nodes", tags=["devices"])
async def list_registered_nodes(
    dsn: FromPath[str], user: Given[User], nodes: Given[NodeService], devices: Given[DeviceService]
) -> list[DeviceReply]:
    """List the nodes of a gateway that the caller owns or has a share of."""
    sights = await nodes.list_registered(user, dsn)
    return [show_device(sight, devices.last_talk_s(sight.device.key)) for sight in sights]


@post(_NODES, status_code=201, operation_class=describe_body(NodeRequest), tags=["device side"])
async def add_node(
    dsn: FromPath[str], request: Request[Any, Any, Any], device: Given[Device], nodes: Given[NodeService]
) -> NodeReply:
    """Tell of a node behind this gateway; it gets a DSN, the same again for the same ``address``."""
    require_own(device, dsn)
    return show_node(await nodes.add(device, read_node(await read_json(request))))


@put(_NODE, operation_class=describe_body(NodeRequest), tags=["device side"])
async def update_node(
    dsn: FromPath[str],
    node_dsn: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    nodes: Given[NodeService],
) -> None:
    """Tell what is new of a node. Its address and its model stay."""
    require_own(device, dsn)
    await nodes.update(device, node_dsn, read_node_change(await read_json(request)))


@delete(_NODE, status_code=200, tags=["device side"])
async def remove_node(
    dsn: FromPath[str], node_dsn: FromPath[str], device: Given[Device], nodes: Given[NodeService]
) -> None:
    """Tell that a node has left. If it has an owner it loses them, with or without ``force_delete=true``."""
    require_own(device, dsn)
    await nodes.remove(device, node_dsn)


@put(f"{_NODE}/conn_status", operation_class=describe_body(NodeConnectionRequest), tags=["device side"])
async def connect_node(
    dsn: FromPath[str],
    node_dsn: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    nodes: Given[NodeService],
) -> None:
    """Tell whether a node can be reached, ``Online`` or ``Offline``; a change is a connectivity event of the node.

    Only this changes it: a gateway that goes Offline leaves its nodes as it last told.
    """
    require_own(device, dsn)
    await nodes.connect(device, node_dsn, read_connection(await read_json(request), node_dsn))


@post(
    "/dev/v1/dsns/{dsn:str}/properties/{name:str}/datapoints",
    status_code=201,
    operation_class=describe_body(DatapointRequest, headers=DESCRIBED),
    tags=["device side"],
)
async def create_node_datapoint(
    dsn: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
) -> DatapointReply:
    """Take a value of a device, or of a node behind it."""
    check_json_type(request.headers.get("content-type"))
    echo = read_echo(request.scope["query_string"])
    links = RequestLinks(contents, request.scope, to_device=True)
    body = await read_bytes(request)
    once = read_repeatable(request.scope, device, body)
    return await create_by_device(datapoints, device, name, body, links, echo=echo, dsn=dsn, once=once)


@get("/dev/v1/dsns/{dsn:str}/commands", tags=["device side"])
async def poll_node_commands(
    dsn: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    nodes: Given[NodeService],
    commands: Given[CommandService],
) -> Response[CommandsReply]:
    """Answer what waits for a device, or for a node behind it. 206: there is more, ask again."""
    pending = await commands.poll(await nodes.find_own(device, dsn), request.scope["client"])
    return Response(show_pending(pending), status_code=PARTIAL if pending.more else 200)


@put(
    "/dev/v1/dsns/{dsn:str}/cmd_post_process",
    operation_class=describe_query("cmd_id", cmd_id="The command's `id`.", status="The HTTP status of the result."),
    tags=["device side"],
)
async def finish_node_command(
    dsn: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    nodes: Given[NodeService],
    commands: Given[CommandService],
) -> None:
    """Take the result of a command (``cmd_id``) of a device, or of a node behind it."""
    command_id = read_query(request, "cmd_id")
    if command_id is None:
        raise RequestError("bad_query", "cmd_id is missing.", field="cmd_id")
    await commands.finish(await nodes.find_own(device, dsn), read_id(command_id))


ROUTES = [
    list_registered_nodes,
    add_node,
    update_node,
    remove_node,
    connect_node,
    create_node_datapoint,
    poll_node_commands,
    finish_node_command,
]
