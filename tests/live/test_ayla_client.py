"""A stranger's client, the library ayla-iot-unofficial, against a live server: its whole surface.

Not a byte of the library is changed: it asks for the cloud's own host names over TLS, and the only thing in the test's
hands is what these names resolve to and which authority is trusted. Rules (`get_rules`, `get_actions`) come later.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import ayla_iot_unofficial as ayla
import httpx
import pytest
from ayla_iot_unofficial.ayla_iot_unofficial import AylaApi, new_ayla_api_sso
from ayla_iot_unofficial.device import Device, Softener, Vacuum, VacuumOperatingModes, VacuumProperties
from ayla_iot_unofficial.exc import AylaAuthError, AylaNotAuthedError, AylaReadOnlyPropertyError
from ayla_iot_unofficial.fujitsu_consts import FanSpeed, OpMode
from ayla_iot_unofficial.fujitsu_hvac import FujitsuHVAC
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.live.server import ServerProcess, running_server
from twinstream.simulator.clock import SystemClock
from twinstream.simulator.device import DeviceCredential

pytestmark = pytest.mark.live

OEM = "0dfc7900"
EMAIL = "ada@example.com"
PASSWORD = "correct horse"
HOSTS = [
    "user-field.aylanetworks.com",
    "ads-field.aylanetworks.com",
    "user-field-eu.aylanetworks.com",
    "ads-eu.aylanetworks.com",
]
"""The names that the library has built in."""

LAMP, VACUUM, SOFTENER, HVAC = "AC000W000000001", "AC000W000000002", "AC000W000000003", "AC000W000000004"


def plan(name: str, base_type: str, direction: str = "input", **more: Any) -> dict[str, Any]:
    """A property of a device."""
    return {"name": name, "base_type": base_type, "direction": direction, **more}


DEVICES: dict[str, dict[str, Any]] = {
    LAMP: {
        "oem_model": "lamp",
        "product_name": "Lamp",
        "properties": [
            plan("SET_level", "integer"),
            plan("Blue_LED", "boolean"),
            plan("heat", "decimal"),
            plan("state", "string", "output"),
            plan("picture", "file", "output"),
        ],
    },
    VACUUM: {
        "oem_model": "vac",
        "product_name": "Vacuum",
        "properties": [
            plan("Operating_Mode", "integer"),
            plan("Find_Device", "boolean"),
            plan("Areas_To_Clean", "string"),
            plan("Robot_Room_List", "string"),
            plan("Error_Code", "integer"),
        ],
    },
    SOFTENER: {
        "oem_model": "soft",
        "product_name": "Water Softener",
        "properties": [plan("away_mode", "boolean"), plan("wifi_report", "boolean")],
    },
    HVAC: {
        "oem_model": "AP-WB1E",
        "product_name": "Living room",
        "properties": [
            plan("operation_mode", "integer"),
            plan("fan_speed", "integer"),
            plan("device_capabilities", "integer"),
            plan("refresh", "integer"),
        ],
    },
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that is its own authority, for the built-in names; its key lies beside it."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "twinstream test")])
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    (folder / "key.pem").chmod(0o600)
    return folder / "cert.pem"


class Cloud:
    """A running server with an application, a user and the user's devices."""

    def __init__(self, server: ServerProcess, authority: Path) -> None:
        self.port = server.address[1]
        context = ssl.create_default_context(cafile=str(authority))
        context.check_hostname = False
        token = json.loads((server.data / "admin.json").read_text())["token"]
        headers = {"Authorization": f"auth_token {token}"}
        with httpx.Client(base_url=server.url, verify=context, timeout=20, trust_env=False) as http:
            self._http = http
            self._call("/admin/v1/oems", {"name": "Example", "id": OEM}, headers)
            app = self._call(f"/admin/v1/oems/{OEM}/applications", {"name": "App", "app_id": "app-id"}, headers)
            self.app_secret: str = app["app_secret"]
            self._call(
                f"/admin/v1/oems/{OEM}/users", {"email": EMAIL, "password": PASSWORD, "role": "EndUser"}, headers
            )
            user = {"email": EMAIL, "password": PASSWORD}
            trio = self._call("/users/sign_in", {"user": user}, {})
            own = {"Authorization": f"auth_token {trio['access_token']}"}
            for dsn, shape in DEVICES.items():
                body = {"dsn": dsn, "with_key": dsn == HVAC, "model": "AY001", **shape}
                made = self._call(f"/admin/v1/oems/{OEM}/devices", body, headers)
                self._call("/apiv1/devices", {"device": {"dsn": dsn}}, own)
                if dsn == HVAC:  # the library asks nothing of one that is Offline
                    hello = DeviceCredential(dsn, made["public_key"], SystemClock()).ask()
                    assert http.request(hello.method, hello.path, headers=hello.headers).is_success
            datum = {"key": "sharkDeviceMobileData", "value": '{"vacModelNumber":"RV1","vacSerialNumber":"S1"}'}
            self._call(f"/apiv1/dsns/{VACUUM}/data", {"datum": datum}, own)

    def _call(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        answer = self._http.post(path, json=body, headers=headers)
        assert answer.is_success, (path, answer.text)
        return answer.json()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, authority: Path) -> Iterator[Cloud]:
    """See `Cloud`."""
    data = tmp_path_factory.mktemp("cloud") / "data"
    with running_server(data, tls_cert=authority, tls_key=authority.with_name("key.pem")) as server:
        yield Cloud(server, authority)


@pytest.fixture
def api(cloud: Cloud, authority: Path, monkeypatch: pytest.MonkeyPatch) -> AylaApi:
    """The library's client, not signed in; the cloud's names lead to the server here."""
    ask = socket.getaddrinfo

    def resolve(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in HOSTS:
            return ask("127.0.0.1", cloud.port, *arguments, **options)
        return ask(host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    monkeypatch.setenv("NO_PROXY", "*")
    return ayla.new_ayla_api(EMAIL, PASSWORD, "app-id", cloud.app_secret)


@pytest.fixture
async def async_api(api: AylaApi, authority: Path) -> AsyncIterator[AylaApi]:
    """The same, with a session of aiohttp that trusts the authority."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(authority)), use_dns_cache=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        api.websession = session
        yield api


@pytest.fixture
def devices(api: AylaApi) -> dict[str, Device]:
    """The user's devices by DSN, signed in, with all their properties."""
    api.sign_in()
    found = {device.serial_number: device for device in api.get_devices()}
    for device in found.values():
        device.update()
    return found


def test_sign_in_refresh_and_sign_out(api: AylaApi) -> None:
    """Signing in gives both tokens for a day; refreshing replaces both; after signing out nothing is left."""
    api.sign_in()
    assert not api.token_expired
    assert not api.token_expiring_soon
    first = api._access_token, api._refresh_token
    api.refresh_auth()
    assert None not in (api._access_token, api._refresh_token)
    assert {api._access_token, api._refresh_token}.isdisjoint(first)
    assert api.get_user_profile()["email"] == EMAIL
    token, tomorrow = api._access_token, api._auth_expiration
    api.sign_out()
    with pytest.raises(AylaNotAuthedError):
        api.list_devices()
    api._access_token, api._is_authed, api._auth_expiration = token, True, tomorrow
    with pytest.raises(AylaAuthError):
        api.list_devices()
    with pytest.raises(AylaAuthError):
        api.get_user_profile()


def test_the_european_names_do_as_well(cloud: Cloud, api: AylaApi) -> None:
    """One server is all of the cloud's hosts."""
    europe = ayla.new_ayla_api(EMAIL, PASSWORD, "app-id", cloud.app_secret, europe=True)
    europe.sign_in()
    assert len(europe.list_devices()) == len(DEVICES)
    (lamp,) = [device for device in europe.get_devices() if device.serial_number == LAMP]
    assert lamp.update()


def test_wrong_credentials_are_told(cloud: Cloud, api: AylaApi) -> None:
    """A wrong password, application, refresh token or single sign-on token raises what the library has for it."""
    with pytest.raises(AylaAuthError, match="Invalid email or password"):
        ayla.new_ayla_api(EMAIL, "wrong", "app-id", cloud.app_secret).sign_in()
    with pytest.raises(AylaAuthError, match="Confirm app_id and app_secret"):
        ayla.new_ayla_api(EMAIL, PASSWORD, "app-id", "wrong").sign_in()
    api._refresh_token = "0" * 32
    with pytest.raises(AylaAuthError):
        api.refresh_auth()
    with pytest.raises(AylaAuthError):
        new_ayla_api_sso("nobody", "app-id", cloud.app_secret).sso_sign_in()


def test_devices_are_of_their_classes(api: AylaApi, devices: dict[str, Device]) -> None:
    """The list names every device, and the library knows each for what it is."""
    assert {listed["dsn"] for listed in api.list_devices()} == set(DEVICES)
    kinds = {LAMP: Device, VACUUM: Vacuum, SOFTENER: Softener, HVAC: FujitsuHVAC}
    assert {dsn: type(device) for dsn, device in devices.items()} == kinds
    assert devices[LAMP].oem_model_number == "lamp"
    assert devices[LAMP].name == "Lamp"


def test_properties_by_name(devices: dict[str, Device]) -> None:
    """A value is set by name, cast to its type, and read again; only the names asked for are fetched."""
    lamp = devices[LAMP]
    lamp.set_property_value("level", 7)
    lamp.set_property_value("Blue_LED", 1)
    lamp.set_property_value("heat", "21.5")
    assert lamp.update(["SET_level", "Blue_LED", "heat", "no_such_name"])
    assert lamp.get_property_value("level") == 7
    assert lamp.get_property_value("Blue_LED") is True
    assert lamp.get_property_value("heat") == 21.5
    assert lamp.get_property_value("state") is None
    assert set(lamp.property_values) >= {"level", "Blue_LED", "heat", "state", "picture"}


def test_properties_that_cannot_be_set(devices: dict[str, Device]) -> None:
    """What only the device sets is refused by the library itself, as the property says that it is read only."""
    with pytest.raises(AylaReadOnlyPropertyError):
        devices[LAMP].set_property_value("state", "on")


def test_batch_of_a_softener(devices: dict[str, Device]) -> None:
    """The softener's class sets by batch and reads again."""
    softener = devices[SOFTENER]
    assert isinstance(softener, Softener)
    assert softener.start_vacation_mode()
    assert softener.get_property_value("away_mode") is True
    assert softener.stop_vacation_mode()
    assert softener.get_property_value("away_mode") is False
    assert softener.send_poll()


def test_metadata_and_vacuum(devices: dict[str, Device]) -> None:
    """The vacuum's class finds its serial number in the device's metadata, and sets what it needs."""
    vacuum = devices[VACUUM]
    assert isinstance(vacuum, Vacuum)
    assert vacuum.device_serial_number == "S1"
    assert [row["datum"]["key"] for row in vacuum.get_metadata()] == ["sharkDeviceMobileData"]
    vacuum.set_vacuum_operating_mode(VacuumOperatingModes.START)
    vacuum.find_device()
    vacuum.set_property_value(VacuumProperties.ROBOT_ROOM_LIST, "map:Kitchen:Hall")
    vacuum.set_property_value(VacuumProperties.ERROR_CODE, 9)
    vacuum.update()
    assert vacuum.get_room_list() == ["Kitchen", "Hall"]
    assert vacuum.error_text == "No Dustbin"
    vacuum.clean_rooms(["Kitchen"])
    vacuum.update()
    assert vacuum.get_property_value(VacuumProperties.OPERATING_MODE) == VacuumOperatingModes.START


def test_what_is_asked_for_at_the_start(api: AylaApi, devices: dict[str, Device]) -> None:
    """Commands, notifications, triggers and files answer, though there are none."""
    key = devices[LAMP]._key
    assert api.get_commands(key) is not None
    assert api.get_all_notifications(key) == []
    devices[LAMP].get_property_triggers("Blue_LED")
    assert devices[LAMP].triggers == {}
    assert devices[LAMP].get_file_property_url("picture") is None
    assert devices[LAMP].get_file_property_url("no_such_property") is None


async def test_the_same_with_asyncio(async_api: AylaApi) -> None:
    """The other half of the library, over aiohttp."""
    api = async_api
    await api.async_sign_in()
    await api.async_refresh_auth()
    assert (await api.async_get_user_profile())["email"] == EMAIL
    assert {listed["dsn"] for listed in await api.async_list_devices()} == set(DEVICES)
    found = {device.serial_number: device for device in await api.async_get_devices()}
    lamp, vacuum, softener, hvac = (found[dsn] for dsn in DEVICES)
    for device in (lamp, vacuum, softener):
        await device.async_update()
    await lamp.async_set_property_value("level", 9)
    await lamp.async_update(["SET_level"])
    assert lamp.get_property_value("level") == 9
    assert isinstance(softener, Softener)
    assert await softener.async_start_vacation_mode()
    assert await softener.async_send_poll()
    assert softener.get_property_value("away_mode") is True
    assert isinstance(vacuum, Vacuum)
    await vacuum.async_find_device()
    assert await vacuum.async_get_metadata()
    assert await lamp.async_get_file_property_url("picture") is None
    assert await api.async_get_commands(lamp._key) is not None
    await set_hvac(hvac)
    await api.async_sign_out()
    with pytest.raises(AylaNotAuthedError):
        await api.async_list_devices()
    with pytest.raises(AylaAuthError):
        await AylaApi(EMAIL, "wrong", "app-id", "x", websession=api.websession).async_sign_in()
    sso = new_ayla_api_sso("nobody", "app-id", api._app_secret, websession=api.websession)
    with pytest.raises(AylaAuthError):
        await sso.async_sso_sign_in()


async def set_hvac(hvac: Device) -> None:
    """Set an air conditioner, as its class does."""
    assert isinstance(hvac, FujitsuHVAC)
    assert hvac.is_online()
    await hvac.async_update()
    await hvac.async_set_property_value("device_capabilities", 0b111111111111)
    await hvac.async_update()
    await hvac.async_set_op_mode(OpMode.HEAT)
    await hvac.async_set_fan_speed(FanSpeed.HIGH)
    await hvac.async_update()
    assert (hvac.op_mode, hvac.fan_speed) == (OpMode.HEAT, FanSpeed.HIGH)
    latest = await hvac.async_get_last_datapoint("fan_speed")
    assert latest is not None
    assert (latest["value"], latest["echo"]) == (FanSpeed.HIGH, False)
