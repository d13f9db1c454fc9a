"""From what happened to the event that tells it: one function per type.

Owns which fields an event takes from where; byte for byte its form is `wire.event`'s. ``user_uuid`` in an event is the
device's owner, not who caused it: so it stands in the documents' samples, where a device's own echo carries it too.
Every function answers an event for the log of the transaction that made it true.
"""

from __future__ import annotations

from msgspec import UNSET

from twinstream.model.datapoint import Acknowledgement, Datapoint
from twinstream.model.device import Audience, ConnectionStatus, Device
from twinstream.model.event import Event, EventType
from twinstream.model.location import Place, Provider
from twinstream.ports.datapoint import PropertyState
from twinstream.wire import event as wire
from twinstream.wire.time import format_optional_time, format_time


def make_datapoint_event(state: PropertyState, datapoint: Datapoint) -> Event:
    """Tell of a new datapoint, or one of a file or message that is complete: ``file`` is then the path to it."""
    created_at = format_time(datapoint.created_at)
    updated_at = created_at if datapoint.content is None else format_time(datapoint.updated_at)
    body = wire.Datapoint(
        datapoint.id,
        format_optional_time(datapoint.created_at_from_device),
        updated_at,
        created_at,
        datapoint.user_uuid,
        datapoint.echo,
        datapoint.closed,
        datapoint.value,
        datapoint.metadata,
        UNSET if datapoint.content is None else str(datapoint.value),
    )
    return _make_property_event(EventType.DATAPOINT, state, body)


def make_ack_event(
    state: PropertyState, datapoint: Datapoint, acknowledgement: Acknowledgement, ack_id: str, acked_at: float
) -> Event:
    """Tell that the device acknowledged a datapoint."""
    body = wire.AckedDatapoint(
        id=datapoint.id,
        created_at_from_device=format_optional_time(datapoint.created_at_from_device),
        updated_at=format_time(acked_at),
        created_at=format_time(datapoint.created_at),
        user_uuid=state.owner,
        echo=datapoint.echo,
        closed=datapoint.closed,
        value=datapoint.value,
        ack_message=acknowledgement.message,
        ack_status=acknowledgement.status,
        ack_id=ack_id,
        acked_at=format_time(acked_at),
        metadata=datapoint.metadata,
    )
    return _make_property_event(EventType.DATAPOINTACK, state, body)


def make_connectivity_event(device: Device, audience: Audience, status: ConnectionStatus, at_s: float) -> Event:
    """Tell that the device came or went."""
    connection = wire.Connection(format_time(at_s), audience.owner, status)
    message = wire.ConnectivityMessage(_describe_device(device, EventType.CONNECTIVITY), connection)
    return _make_device_event(EventType.CONNECTIVITY, device, audience, message)


def make_location_event(device: Device, audience: Audience, place: Place, provider: Provider, at_s: float) -> Event:
    """Tell that the device is in another place."""
    location = wire.LocationEvent(
        dsn=device.dsn,
        ip=device.ip or "",
        lat=wire.format_coordinate(place.lat),
        long=wire.format_coordinate(place.lng),
        provider=provider,
        user_uuid=audience.owner,
        created_at=format_time(at_s),
    )
    message = wire.LocationMessage(_describe_device(device, EventType.LOCATION), location)
    return _make_device_event(EventType.LOCATION, device, audience, message)


def make_registration_event(device: Device, owner_uuid: str, at_s: float) -> Event:
    """Tell that the device has an owner: its only reader, for nobody has a share of it yet."""
    registration = wire.Registration(device.dsn, owner_uuid, True, device.registration_type, format_time(at_s))
    message = wire.RegistrationMessage(_describe_device(device, EventType.REGISTRATION), registration)
    return _make_device_event(EventType.REGISTRATION, device, Audience(owner_uuid, {}), message)


def make_unregistration_event(device: Device, audience_before: Audience, at_s: float) -> Event:
    """Tell that the device has no owner any more, to those who could see it before."""
    unregistration = wire.Unregistration(device.dsn, None, False, device.registration_type, format_time(at_s))
    message = wire.RegistrationMessage(_describe_device(device, EventType.REGISTRATION), unregistration)
    return _make_device_event(EventType.REGISTRATION, device, audience_before, message)


def _describe_device(device: Device, event_type: EventType) -> wire.DeviceMetadata:
    return wire.DeviceMetadata(device.oem, device.oem_model, device.dsn, (), event_type)


def _make_device_event(type_: EventType, device: Device, audience: Audience, message: wire.Message) -> Event:
    tail = wire.encode_tail(message)
    return Event(type_, device.oem, device.oem_model, device.dsn, None, audience.readers, tail)


def _make_property_event(type_: EventType, state: PropertyState, body: wire.Datapoint | wire.AckedDatapoint) -> Event:
    metadata = wire.PropertyMetadata(
        state.oem, state.oem_model, state.dsn, state.name, state.display_name, state.base_type, (), type_
    )
    tail = wire.encode_tail(wire.DatapointMessage(metadata, body))
    readers = () if state.owner is None else (state.owner, *state.holders)
    if state.hidden_from:
        readers = tuple(reader for reader in readers if reader not in state.hidden_from)
    return Event(type_, state.oem, state.oem_model, state.dsn, state.name, readers, tail)
