"""Bodies of the operator's API, `/admin/v1`: flat, without wrappers; times in the form of the other APIs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.application import Application
from twinstream.model.device import Device, RegistrationType
from twinstream.model.oem import Oem
from twinstream.model.property import PropertyPlan
from twinstream.model.user import END_USER, Account
from twinstream.wire.time import format_time


class OemRequest(msgspec.Struct, frozen=True):
    """An OEM to be made; ``id`` is 8 hex digits, made up if it is left out."""

    name: str
    id: str | None = None


class RetentionRequest(msgspec.Struct, frozen=True):
    """Both limits of an OEM's log; null is the server's default."""

    retention_age_s: float | None = None
    retention_size_bytes: int | None = None


class OemReply(msgspec.Struct, frozen=True):
    """An OEM."""

    id: str
    name: str
    created_at: str
    retention_age_s: float | None
    retention_size_bytes: int | None


class ApplicationRequest(msgspec.Struct, frozen=True):
    """An application to be made; ``app_id`` is made up if it is left out."""

    name: str
    app_id: str | None = None


class ApplicationReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """An application; ``app_secret`` is shown when it is made, and never again."""

    app_id: str
    oem: str
    name: str
    created_at: str
    app_secret: str | None = None


class UserRequest(msgspec.Struct, frozen=True):
    """A user to be made."""

    email: str
    password: str
    role: str = END_USER
    firstname: str = ""
    lastname: str = ""


class UserChange(msgspec.Struct, frozen=True):
    """A new role or a new password, or both; either signs the user out."""

    role: str | None = None
    password: str | None = None


class UserReply(msgspec.Struct, frozen=True):
    """A user."""

    id: int
    uuid: str
    oem: str
    email: str
    role: str
    firstname: str
    lastname: str
    created_at: str
    updated_at: str


class DeviceRequest(msgspec.Struct, frozen=True):
    """A device to be made, with its properties; sent again it adds what is missing.

    ``with_key`` false leaves out the key pair, which takes longer to make than all else.
    """

    dsn: str
    oem_model: str
    model: str = ""
    product_name: str | None = None
    registration_type: RegistrationType = RegistrationType.DSN
    properties: tuple[PropertyPlan, ...] = ()
    with_key: bool = True


class DeviceReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """A device. In the reply to its making: ``public_key`` (PEM) is what it is to hold, ``is_new`` tells whether it was
    not there before, ``added_properties`` what it had not.
    """

    key: int
    dsn: str
    oem_model: str
    product_name: str
    registration_type: str
    registered: bool
    connection_status: str
    created_at: str
    public_key: str | None = None
    is_new: bool | None = None
    added_properties: Sequence[str] | None = None


def show_oem(oem: Oem) -> OemReply:
    """Write an OEM."""
    limits = oem.retention
    return OemReply(oem.id, oem.name, format_time(oem.created_at), limits.age_s, limits.size_bytes)


def show_application(application: Application, app_secret: str | None = None) -> ApplicationReply:
    """Write an application, with its secret if it has just been made."""
    created_at = format_time(application.created_at)
    return ApplicationReply(application.app_id, application.oem, application.name, created_at, app_secret)


def show_device(
    device: Device,
    public_key: str | None = None,
    is_new: bool | None = None,
    added_properties: Sequence[str] | None = None,
) -> DeviceReply:
    """Write a device for the operator; if it has just been asked for, with what came of that."""
    return DeviceReply(
        key=device.key,
        dsn=device.dsn,
        oem_model=device.oem_model,
        product_name=device.product_name,
        registration_type=device.registration_type,
        registered=device.user_uuid is not None,
        connection_status=device.connection_status,
        created_at=format_time(device.created_at),
        public_key=public_key,
        is_new=is_new,
        added_properties=added_properties,
    )


def show_account(account: Account) -> UserReply:
    """Write a user for the operator."""
    user = account.user
    return UserReply(
        id=user.id,
        uuid=user.uuid,
        oem=user.oem,
        email=user.email,
        role=user.role,
        firstname=account.firstname,
        lastname=account.lastname,
        created_at=format_time(account.created_at),
        updated_at=format_time(account.updated_at),
    )
