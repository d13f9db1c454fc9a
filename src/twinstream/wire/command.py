"""The answer to a device that asks what waits for it."""

from __future__ import annotations

import msgspec

from twinstream.model.check import check_text
from twinstream.model.command import Pending, PendingValue
from twinstream.model.value import BaseType
from twinstream.wire.body import read_body


class CommandFields(msgspec.Struct, frozen=True):
    """A command; ``data`` is the body of the request that the device is to answer, as text."""

    id: int
    method: str
    resource: str
    uri: str
    data: str


class CommandReply(msgspec.Struct, frozen=True):
    """``{"cmd": {...}}``."""

    cmd: CommandFields


class PendingPropertyFields(msgspec.Struct, frozen=True):
    """A value for the device; ``id`` names the datapoint if it is to be acknowledged."""

    name: str
    base_type: str
    value: int | float | str | None
    id: str | msgspec.UnsetType = msgspec.UNSET


class PendingPropertyReply(msgspec.Struct, frozen=True):
    """``{"property": {...}}``."""

    property: PendingPropertyFields


class NodePropertyFields(msgspec.Struct, frozen=True):
    """A value for a node, named by its DSN; else as `PendingPropertyFields`. The form is inferred."""

    dsn: str
    name: str
    base_type: str
    value: int | float | str | None
    id: str | msgspec.UnsetType = msgspec.UNSET


class NodePropertyReply(msgspec.Struct, frozen=True):
    """``{"property": {...}}``."""

    property: NodePropertyFields


class CommandsFields(msgspec.Struct, frozen=True):
    """All that waits; schedules have no entries yet."""

    cmds: list[CommandReply]
    properties: list[PendingPropertyReply]
    schedules: tuple[str, ...] = ()
    node_properties: tuple[NodePropertyReply, ...] = ()
    node_schedules: tuple[str, ...] = ()


class CommandsReply(msgspec.Struct, frozen=True):
    """``{"commands": {...}}``."""

    commands: CommandsFields


class IdentifyRequest(msgspec.Struct, frozen=True):
    """``{"value": "On", "time": "60"}``: what to do, and for how many seconds."""

    value: str = "On"
    time: str | int = 0


def encode_identify(body: object) -> str:
    """Read what a node is to do to show itself, as the text of its command. Raises RequestError ``invalid``."""
    asked = read_body(body, IdentifyRequest)
    check_text(asked.value, field="value", shortest=1)
    check_text(str(asked.time), field="time", shortest=1)
    return msgspec.json.encode(asked).decode()


def encode_pending(pending: Pending) -> bytes:
    """Encode what waits as JSON."""
    if not (pending.commands or pending.values):
        return _NOTHING
    return msgspec.json.encode(show_pending(pending))


def show_pending(pending: Pending) -> CommandsReply:
    """Write what waits."""
    commands = [
        CommandReply(CommandFields(command.id, command.method, command.resource, command.uri, command.body))
        for command in pending.commands
    ]
    values = [
        PendingPropertyReply(
            PendingPropertyFields(
                value.name,
                value.base_type,
                _show_value(value),
                value.datapoint_id if value.ack_enabled else msgspec.UNSET,
            )
        )
        for value in pending.values
        if value.dsn is None
    ]
    nodes = tuple(
        NodePropertyReply(
            NodePropertyFields(
                value.dsn,
                value.name,
                value.base_type,
                _show_value(value),
                value.datapoint_id if value.ack_enabled else msgspec.UNSET,
            )
        )
        for value in pending.values
        if value.dsn is not None
    )
    return CommandsReply(CommandsFields(commands, values, node_properties=nodes))


def _show_value(value: PendingValue) -> int | float | str | None:
    """Write a value; that of a file or message is where the device finds it, below its own path."""
    if value.base_type in (BaseType.FILE, BaseType.MESSAGE):
        return f"/{value.property_key}/{value.datapoint_id}"
    return value.value


_NOTHING = msgspec.json.encode(show_pending(Pending((), (), False)))
