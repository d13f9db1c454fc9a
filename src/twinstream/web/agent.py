"""What a device's agent calls beside its own noun's routes: reachability, the OEM's part of set-up, failed updates."""

from __future__ import annotations

from typing import Any

import structlog
from litestar import Request, Response, get, put
from litestar.params import FromPath

from twinstream.model.principal import Device
from twinstream.service.device import DeviceService
from twinstream.web.authentication import Given
from twinstream.web.body import read_bytes, read_json
from twinstream.web.openapi import describe_body
from twinstream.web.ref import require_own
from twinstream.wire.device import OemReply, OemRequest, read_oem

_log = structlog.get_logger(__name__)


@get("/ping", media_type="text/plain", tags=["device side"])
async def ping() -> Response[bytes]:
    """Answer whoever asks, with the header that embedded agents look for (``Text``) and the time (``Date``)."""
    return Response(b"", media_type="text/plain", headers={"Text": "Ping"})


@put("/devices/{device_key:str}/oem_info", operation_class=describe_body(OemRequest), tags=["device side"])
async def report_oem(
    device_key: FromPath[str], request: Request[Any, Any, Any], device: Given[Device], devices: Given[DeviceService]
) -> OemReply:
    """Take which model and template version the device says it is, and give its twin that template's shape.

    ``oem`` has to be the device's own, else 403; ``oem_key`` is not looked at: the device has proven itself. A model
    without a template changes nothing.
    """
    require_own(device, device_key)
    found = await devices.report(device, read_oem(await read_json(request)), None)
    return OemReply(found.product_name, found.registration_type)


@put("/devices/{device_key:str}/ota_failed", tags=["device side"])
async def fail_update(device_key: FromPath[str], request: Request[Any, Any, Any], device: Given[Device]) -> None:
    """Take that an update over the air failed. It is logged: there are no such updates yet."""
    require_own(device, device_key)
    reason = (await read_bytes(request))[:1000].decode("utf-8", "replace")
    _log.warning("update failed", dsn=device.dsn, reason=reason)


ROUTES = [ping, report_oem, fail_update]
