"""Devices in SQLite: the table `device`.

Invariant: whatever a user asks for goes through `VISIBLE`, so that OEM, owner and share are conditions of the query
itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from twinstream.model import principal
from twinstream.model.device import Audience, ConnectionStatus, Device, DeviceRef, Grant, RegistrationType, Sight
from twinstream.ports.device import NewDevice, PresenceMark
from twinstream.sqlite.repository import Repository
from twinstream.sqlite.structure import write_boolean, write_object

T = TypeVar("T")

COUNTING = "(share.start_at IS NULL OR share.start_at <= :now_s) AND (share.end_at IS NULL OR share.end_at > :now_s)"
"""The condition that a share counts at ``:now_s`` (`model.share`)."""

HOLDERS = f"""(SELECT json_group_object(share.user_uuid, share.operation ORDER BY share.user_uuid) FROM share
    WHERE share.dsn = device.dsn AND share.owner_uuid = device.user_uuid AND {COUNTING})"""
"""The holders of a row of `device`, as JSON object: UUID to operation."""

VISIBLE = f"""(SELECT device.key, device.dsn, NULL AS share_id FROM device
        WHERE device.user_uuid = :user_uuid AND device.oem = :oem
    UNION ALL
    SELECT device.key, device.dsn, share.id AS share_id FROM share
        JOIN device ON device.dsn = share.dsn AND device.user_uuid = share.owner_uuid
        WHERE share.user_uuid = :user_uuid AND device.oem = :oem AND {COUNTING})"""
"""The devices that the user ``:user_uuid`` of ``:oem`` may see, and by which share."""


class Devices(Repository):
    """See `ports.device.Devices`."""

    def add(self, device: NewDevice) -> int:
        """Add a device."""
        (row,) = self._run(
            "INSERT INTO device (dsn, oem, oem_model, model, product_name, registration_type,"
            " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING key",
            (*msgspec.structs.astuple(device), self._now_s, self._now_s),
        )
        return int(row[0])

    def find(self, ref: DeviceRef) -> Device | None:
        """Find a device, whoever asks."""
        return self._read(_DEVICE, f"SELECT {_OBJECT} FROM device WHERE {name_column(ref)} = :ref", {"ref": ref})

    def find_many(self, keys: Sequence[int]) -> Sequence[Device]:
        """Find devices by key."""
        statement = f"""SELECT json_group_array({_OBJECT} ORDER BY device.key) FROM device
            WHERE device.key IN (SELECT value FROM json_each(:keys))"""
        return self._read(_DEVICES, statement, {"keys": encode(keys)}) or []

    def find_by_regtoken(self, oem: str, regtoken: str) -> Device | None:
        """Find the one device that shows the token."""
        statement = f"""SELECT json_group_array({_OBJECT}) FROM device
            WHERE device.regtoken = :regtoken AND device.oem = :oem"""
        found = self._read(_DEVICES, statement, {"regtoken": regtoken, "oem": oem}) or []
        return found[0] if len(found) == 1 else None

    def list_free(self, oem: str, network: str, since_s: float) -> Sequence[Device]:
        """List Same-LAN devices without an owner."""
        return self._list_near(
            "regtoken_at", RegistrationType.SAME_LAN, oem, network, since_s, "device.user_uuid IS NULL"
        )

    def list_pushed(self, oem: str, network: str, since_s: float) -> Sequence[Device]:
        """List Button-Push devices whose button was pushed."""
        return self._list_near("button_at", RegistrationType.BUTTON_PUSH, oem, network, since_s, "true")

    def list_nodes(self, gateway_key: int) -> Sequence[Device]:
        """List the nodes behind a gateway."""
        statement = f"""SELECT json_group_array({_OBJECT} ORDER BY device.key) FROM device
            WHERE device.gateway_key = :gateway_key"""
        return self._read(_DEVICES, statement, {"gateway_key": gateway_key}) or []

    def find_visible(self, user: principal.User, ref: DeviceRef) -> Sight | None:
        """Find a device that the user may see."""
        sights = self._read_sights(user, f"WHERE device.{name_column(ref)} = :ref", ref=ref)
        return sights[0] if sights else None

    def list_visible(self, user: principal.User) -> Sequence[Sight]:
        """List the devices that the user may see."""
        return self._read_sights(user, "")

    def list_of_oem(self, operator: principal.Operator, oem: str) -> Sequence[Device]:
        """List an OEM's devices."""
        statement = f"SELECT json_group_array({_OBJECT} ORDER BY device.key) FROM device WHERE device.oem = :oem"
        return self._read(_DEVICES, statement, {"oem": oem}) or []

    def find_audiences(self, keys: Sequence[int]) -> dict[int, Audience]:
        """Find who may see the devices."""
        statement = f"""SELECT json_group_object(
                device.key, json_object('owner', device.user_uuid, 'holders', json({HOLDERS}))
            ) FROM device WHERE device.key IN (SELECT value FROM json_each(:keys))"""
        return self._read(_AUDIENCES, statement, {"keys": encode(keys), "now_s": self._now_s}) or {}

    def change(self, key: int, **values: object) -> None:
        """Set attributes by name."""
        if not values.keys() <= _CHANGEABLE:
            raise ValueError(f"not attributes of a device: {values.keys() - _CHANGEABLE}")
        assignments = ", ".join(f"{name} = :{name}" for name in (*values, "updated_at"))
        self._run(
            f"UPDATE device SET {assignments} WHERE key = :key", {**values, "updated_at": self._now_s, "key": key}
        )

    def find_principal(self, auth_hash: str) -> principal.Device | None:
        """Find the device with this authentication key."""
        row = self._first("SELECT key, dsn, oem, oem_model FROM device WHERE auth_hash = ?", (auth_hash,))
        return None if row is None else principal.Device(*row)

    def find_private_key(self, ref: DeviceRef) -> tuple[principal.Device, str] | None:
        """Find a device and its sealed private key."""
        row = self._first(
            f"SELECT key, dsn, oem, oem_model, private_key FROM device"
            f" WHERE {name_column(ref)} = ? AND private_key IS NOT NULL",
            (ref,),
        )
        return None if row is None else (principal.Device(*row[:4]), row[4])

    def store_private_key(self, key: int, private_key: str) -> None:
        """Give a device its private key if it has none."""
        self._run("UPDATE device SET private_key = ? WHERE key = ? AND private_key IS NULL", (private_key, key))

    def store_auth_hash(self, key: int, auth_hash: str) -> None:
        """Put a new authentication key in force."""
        self._run("UPDATE device SET auth_hash = ? WHERE key = ?", (auth_hash, key))

    def arrive(self, key: int) -> tuple[PresenceMark, bool] | None:
        """Make a device Online."""
        row = self._first("SELECT connection_status, presence_epoch FROM device WHERE key = ?", (key,))
        if row is None:
            return None
        was_offline, epoch = row[0] != ConnectionStatus.ONLINE, row[1] + 1
        self._run(
            "UPDATE device SET connection_status = ?, presence_epoch = ?,"
            " connected_at = iif(?, ?, connected_at) WHERE key = ?",
            (ConnectionStatus.ONLINE, epoch, was_offline, self._now_s, key),
        )
        return PresenceMark(key, epoch), was_offline

    def leave(self, marks: Sequence[PresenceMark]) -> Sequence[int]:
        """Make devices Offline."""
        values = {"marks": encode([(mark.key, mark.epoch) for mark in marks])}
        present = """SELECT device.key FROM json_each(:marks) AS mark JOIN device ON device.key = mark.value ->> 0
            WHERE device.presence_epoch = mark.value ->> 1 AND device.connection_status = 'Online'"""
        keys = self._read(_KEYS, f"SELECT json_group_array(key) FROM ({present})", values) or []
        self._run(f"UPDATE device SET connection_status = 'Offline' WHERE key IN ({present})", values)
        return keys

    def list_present(self) -> Sequence[PresenceMark]:
        """List the devices that are Online."""
        statement = f"""SELECT json_group_array({write_object(PresenceMark, "device", epoch="device.presence_epoch")})
            FROM device WHERE connection_status = 'Online' AND registration_type <> 'Node'"""
        return self._read(_MARKS, statement, {}) or []

    def _list_near(
        self, column: str, type_: RegistrationType, oem: str, network: str, since_s: float, condition: str
    ) -> Sequence[Device]:
        statement = f"""SELECT json_group_array({_OBJECT} ORDER BY device.{column} DESC, device.key DESC) FROM device
            WHERE device.network = :network AND device.{column} >= :since_s AND +device.oem = :oem
                AND device.registration_type = :type AND {condition}"""
        values = {"network": network, "since_s": since_s, "oem": oem, "type": type_}
        return self._read(_DEVICES, statement, values) or []

    def _read_sights(self, user: principal.User, condition: str, **values: object) -> list[Sight]:
        grant = write_object(Grant, "share", user_id=":user_id")
        statement = f"""SELECT json_group_array(json_object(
                'device', {_OBJECT}, 'grant', iif(visible.share_id IS NULL, NULL, {grant})
            ) ORDER BY device.key)
            FROM {VISIBLE} AS visible JOIN device USING (key) LEFT JOIN share ON share.id = visible.share_id
            {condition}"""
        return self._read(_SIGHTS, statement, {**bind_user(user), "now_s": self._now_s, **values}) or []

    def _read(self, decoder: msgspec.json.Decoder[T], statement: str, values: Mapping[str, object]) -> T | None:
        row = self._first(statement, values)
        return None if row is None or row[0] is None else decoder.decode(row[0])


def name_column(ref: DeviceRef) -> str:
    """Answer which column of `device` the reference is of."""
    return "dsn" if isinstance(ref, str) else "key"


def bind_user(user: principal.User) -> dict[str, object]:
    """Answer the values that `VISIBLE` asks for, beside ``now_s``."""
    return {"user_uuid": user.uuid, "user_id": user.id, "oem": user.oem, "role": user.role}


def encode(value: Any) -> str:
    """Write a value as JSON text, for ``json_each``."""
    return msgspec.json.encode(value).decode()


_OBJECT = write_object(
    Device,
    "device",
    user_id="(SELECT user.id FROM user WHERE user.uuid = device.user_uuid)",
    gateway_dsn="(SELECT gateway.dsn FROM device AS gateway WHERE gateway.key = device.gateway_key)",
    has_properties="json(iif(EXISTS (SELECT 1 FROM property WHERE property.device_key = device.key), 'true', 'false'))",
    lan_enabled=write_boolean("EXISTS (SELECT 1 FROM lan_key WHERE lan_key.device_key = device.key)"),
)
_CHANGEABLE = frozenset(Device.__struct_fields__) - {
    "key",
    "dsn",
    "oem",
    "user_id",
    "gateway_dsn",
    "has_properties",
    "lan_enabled",
    "updated_at",
}
_DEVICE = msgspec.json.Decoder(Device)
_DEVICES = msgspec.json.Decoder(list[Device])
_AUDIENCES = msgspec.json.Decoder(dict[int, Audience])
_SIGHTS = msgspec.json.Decoder(list[Sight])
_KEYS = msgspec.json.Decoder(list[int])
_MARKS = msgspec.json.Decoder(list[PresenceMark])
