"""Bodies about nodes, which gateways send."""

from __future__ import annotations

import msgspec

from twinstream.model.check import check_text, must
from twinstream.model.device import ConnectionStatus, Device, NodeType
from twinstream.model.node import NodeReport
from twinstream.wire.body import read_body


class NodeFields(msgspec.Struct, frozen=True):
    """What a gateway says of a node; whatever else it says is ignored."""

    address: str | None = None
    oem_model: str | None = None
    node_type: NodeType = NodeType.GENERIC
    model: str | None = None
    product_name: str | None = None
    sw_version: str | None = None
    hwsig: str | None = None
    mac: str | None = None
    power: str | None = None
    ntwkaddr: str | None = None


class NodeRequest(msgspec.Struct, frozen=True):
    """``{"node": {...}}``."""

    node: NodeFields


class NodeFieldsReply(msgspec.Struct, frozen=True):
    """The DSN that a node has got, beside its address."""

    dsn: str
    address: str | None
    key: int


class NodeReply(msgspec.Struct, frozen=True):
    """``{"device": {...}}``."""

    device: NodeFieldsReply


class NodeConnectionFields(msgspec.Struct, frozen=True):
    """Whether a node can be reached."""

    status: ConnectionStatus
    dsn: str | None = None


class NodeConnectionRequest(msgspec.Struct, frozen=True):
    """``{"connection": {"dsn": "...", "status": "Online"}}``."""

    connection: NodeConnectionFields


def read_node(body: object) -> NodeReport:
    """Read a new node: address and model must be there. Raises RequestError ``invalid``."""
    report = read_node_change(body)
    for field, text in (("address", report.address), ("oem_model", report.oem_model)):
        check_text(text, field=field, shortest=1)
    return report


def read_node_change(body: object) -> NodeReport:
    """Read what is said of a known node. Raises RequestError ``invalid``."""
    fields = read_body(body, NodeRequest).node
    attributes: dict[str, str] = {}
    for name in ("model", "product_name", "sw_version", "hwsig", "mac", "power", "ntwkaddr"):
        text: str | None = getattr(fields, name)
        if text:
            attributes[name] = check_text(text, field=name)
    return NodeReport(fields.address or "", fields.oem_model or "", fields.node_type, attributes)


def read_connection(body: object, dsn: str) -> ConnectionStatus:
    """Read whether the node with this DSN can be reached. Raises RequestError ``invalid``."""
    fields = read_body(body, NodeConnectionRequest).connection
    if fields.dsn not in (None, dsn):
        raise must("dsn", "be that of the path")
    return fields.status


def show_node(node: Device) -> NodeReply:
    """Write a node for its gateway."""
    return NodeReply(NodeFieldsReply(node.dsn, node.address, node.key))
