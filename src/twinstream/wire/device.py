"""Bodies of devices: as users see them, and as a device sees itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import msgspec

from twinstream.model.check import check_text
from twinstream.model.device import Device, Grant, Report, Sight
from twinstream.model.location import check_place
from twinstream.wire.body import read_body, unwrap
from twinstream.wire.location import read_setup_location, show_degrees
from twinstream.wire.time import format_optional_time, format_time


class GrantReply(msgspec.Struct, frozen=True):
    """By which share the caller sees the device."""

    user_id: int
    start_date_at: str | None
    end_date_at: str | None
    operation: str
    role: None


class DeviceFieldsReply(msgspec.Struct, frozen=True):
    """A device; ``id`` and ``key`` are equal. Tokens are shown to its owner only."""

    id: int
    key: int
    product_name: str
    model: str
    dsn: str
    oem: str
    oem_model: str
    template_id: int | None
    sw_version: str | None
    user_id: int | None
    user_uuid: str | None
    mac: str | None
    ip: str | None
    lan_ip: str | None
    ssid: str | None
    lat: str | None
    lng: str | None
    locality: str | None
    address: str | None
    device_type: str
    connection_status: str
    connected_at: str | None
    last_get_at: str | None
    activated_at: str | None
    created_at: str
    module_updated_at: str
    registered: bool
    registrable: bool
    provisional: bool
    registration_type: str
    regtoken: str | None
    setup_token: str | None
    lan_enabled: bool
    log_enabled: bool
    ans_enabled: bool
    ans_server: str | None
    enable_ssl: bool | None
    homekit: bool | None
    has_properties: bool
    product_class: str | None
    imei: str | None
    unique_hardware_id: str | None
    hwsig: str | None
    gateway_dsn: str | None
    node_type: str | None
    power: str | None
    ntwkaddr: str | None
    grant: GrantReply | msgspec.UnsetType = msgspec.UNSET


class DeviceReply(msgspec.Struct, frozen=True):
    """``{"device": {...}}``."""

    device: DeviceFieldsReply


class OwnDeviceFieldsReply(msgspec.Struct, frozen=True):
    """What a device is to know of itself. There is no notification server: it polls."""

    key: int
    dsn: str
    product_name: str
    registered: bool
    registration_type: str
    regtoken: str | None
    unix_time: int
    lan_enabled: bool
    ans_enabled: bool
    ans_server: str | None
    ans_cipher_key: str | None
    template_version: str | None
    log_server: dict[str, str] | None


class OwnDeviceReply(msgspec.Struct, frozen=True):
    """``{"device": {...}}``."""

    device: OwnDeviceFieldsReply


class RenameFields(msgspec.Struct, frozen=True):
    """The only thing that a user can change of a device itself."""

    product_name: str


class RenameRequest(msgspec.Struct, frozen=True):
    """``{"device": {"product_name": "..."}}``."""

    device: RenameFields


class ReportFields(msgspec.Struct, frozen=True):
    """What a device says of itself; whatever else it says is ignored.

    ``ssid`` is URI-encoded; ``setup_location`` is ``"latitude,longitude"``; ``lat`` and ``long`` say the same in two.
    """

    model: str | None = None
    sw_version: str | None = None
    mac: str | None = None
    hwsig: str | None = None
    lan_ip: str | None = None
    ssid: str | None = None
    product_name: str | None = None
    setup_token: str | None = None
    setup_location: str | None = None
    oem: str | None = None
    oem_model: str | None = None
    template_version: str | None = None
    lat: Any = None
    long: Any = None


class OemRequest(msgspec.Struct, frozen=True):
    """Which template a device asks for; its ``oem_key`` is not looked at."""

    oem: str | None = None
    oem_model: str | None = None
    template_version: str | None = None


class OemReply(msgspec.Struct, frozen=True):
    """What a device is to know of its model's set-up."""

    product_name: str
    registration_type: str


class ReportRequest(msgspec.Struct, frozen=True):
    """``{"device": {...}}``."""

    device: ReportFields


def _decode_ssid(text: str) -> str:
    """Decode what agents send URI-encoded; what this would make unfit to be stored stays as it came."""
    decoded = unquote(text)
    return text if "\0" in decoded else decoded


def read_rename(body: object) -> str:
    """Read a device's new name. Raises RequestError ``invalid``."""
    return read_body(body, RenameRequest).device.product_name


def read_report(body: object) -> Report:
    """Read what a device says of itself. Raises RequestError ``invalid``."""
    fields = read_body(body, ReportRequest).device
    attributes: dict[str, str] = {}
    for name in ("model", "sw_version", "mac", "hwsig", "lan_ip", "ssid", "product_name"):
        text: str | None = getattr(fields, name)
        if text is not None:
            attributes[name] = check_text(_decode_ssid(text) if name == "ssid" else text, field=name)
    place = None
    if fields.setup_location:
        place = read_setup_location(fields.setup_location)
    elif fields.lat is not None or fields.long is not None:
        place = check_place(fields.lat, fields.long)
    setup_token = fields.setup_token or None
    return Report(
        attributes,
        setup_token and check_text(setup_token, field="setup_token"),
        place,
        fields.oem or None,
        fields.oem_model or None,
        fields.template_version or None,
    )


def read_oem(body: object) -> Report:
    """Read what a device says of its model. Raises RequestError ``invalid``."""
    fields = read_body(unwrap(body, "device"), OemRequest)
    return Report({}, None, None, fields.oem or None, fields.oem_model or None, fields.template_version or None)


def show_device(sight: Sight, last_talk_s: float | None) -> DeviceReply:
    """Write a device as the caller sees it; ``last_talk_s`` is when it last talked, seconds since 1970."""
    device, mine = sight.device, sight.grant is None
    return DeviceReply(
        DeviceFieldsReply(
            id=device.key,
            key=device.key,
            product_name=device.product_name,
            model=device.model,
            dsn=device.dsn,
            oem=device.oem,
            oem_model=device.oem_model,
            template_id=device.template_id,
            sw_version=device.sw_version,
            user_id=device.user_id,
            user_uuid=device.user_uuid,
            mac=device.mac,
            ip=device.ip,
            lan_ip=device.lan_ip,
            ssid=device.ssid,
            lat=None if device.lat is None else show_degrees(device.lat),
            lng=None if device.lng is None else show_degrees(device.lng),
            locality=device.zip,
            address=device.address,
            device_type=device.device_type,
            connection_status=device.connection_status,
            connected_at=format_optional_time(device.connected_at),
            last_get_at=format_optional_time(last_talk_s),
            activated_at=format_optional_time(device.activated_at),
            created_at=format_time(device.created_at),
            module_updated_at=format_time(device.updated_at),
            registered=device.user_uuid is not None,
            registrable=device.user_uuid is None,
            provisional=False,
            registration_type=device.registration_type,
            regtoken=device.regtoken if mine else None,
            setup_token=device.setup_token if mine else None,
            lan_enabled=device.lan_enabled,
            log_enabled=False,
            ans_enabled=False,
            ans_server=None,
            enable_ssl=None,
            homekit=None,
            has_properties=device.has_properties,
            product_class=None,
            imei=None,
            unique_hardware_id=None,
            hwsig=device.hwsig,
            gateway_dsn=device.gateway_dsn,
            node_type=device.node_type,
            power=device.power,
            ntwkaddr=device.ntwkaddr,
            grant=msgspec.UNSET if sight.grant is None else _show_grant(sight.grant),
        )
    )


def show_candidate(device: Device) -> DeviceReply:
    """Write a device for somebody who does not own it: without its tokens."""
    return show_device(Sight(msgspec.structs.replace(device, regtoken=None, setup_token=None), None), None)


def show_own_device(device: Device, now_s: float) -> OwnDeviceReply:
    """Write a device for itself."""
    return OwnDeviceReply(
        OwnDeviceFieldsReply(
            key=device.key,
            dsn=device.dsn,
            product_name=device.product_name,
            registered=device.user_uuid is not None,
            registration_type=device.registration_type,
            regtoken=device.regtoken,
            unix_time=int(now_s),
            lan_enabled=device.lan_enabled,
            ans_enabled=False,
            ans_server=None,
            ans_cipher_key=None,
            template_version=device.template_version,
            log_server=None,
        )
    )


def _show_grant(grant: Grant) -> GrantReply:
    return GrantReply(
        grant.user_id, format_optional_time(grant.start_at), format_optional_time(grant.end_at), grant.operation, None
    )
