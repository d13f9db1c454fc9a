"""What the REST APIs answer, as a client reads it.

Owns shapes alone. They are lenient: a field that a server leaves out has its default, one that has no name here is
passed over, and numbers may come as text. Invariant: no `repr` shows a token, a stream key or a set-up token.
"""

from __future__ import annotations

from typing import Any

import msgspec

from twinstream.client.event import Datapoint

__all__ = ["BatchResult", "Datapoint", "DatapointPage", "Datum", "Device", "Property", "Share", "Subscription"]

_SECRETS = frozenset({"access_token", "refresh_token", "stream_key", "regtoken", "setup_token"})


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """What all of them have in common: secrets are stars in `repr`."""

    def __repr__(self) -> str:
        shown = ((name, getattr(self, name)) for name in self.__struct_fields__)
        fields = ", ".join(f"{name}={'***' if name in _SECRETS and value else repr(value)}" for name, value in shown)
        return f"{type(self).__name__}({fields})"


class Tokens(Resource, frozen=True, kw_only=True):
    """What signing in answers. ``expires_in`` seconds after that the access token is refused."""

    access_token: str
    refresh_token: str = ""
    expires_in: int = 3600
    role: str | None = None
    role_tags: tuple[Any, ...] | None = ()


class User(Resource, frozen=True, kw_only=True):
    """A user's profile."""

    email: str = ""
    uuid: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    phone: str | None = None
    country: str | None = None


class Device(Resource, frozen=True, kw_only=True):
    """A device; ``key`` names it where the DSN does not. ``lat`` and ``lng`` are text."""

    dsn: str
    key: int = 0
    product_name: str = ""
    oem: str | None = None
    oem_model: str | None = None
    model: str | None = None
    template_id: int | None = None
    device_type: str | None = None
    connection_status: str | None = None
    connected_at: str | None = None
    created_at: str | None = None
    activated_at: str | None = None
    registered: bool | None = None
    registration_type: str | None = None
    regtoken: str | None = None
    setup_token: str | None = None
    user_uuid: str | None = None
    sw_version: str | None = None
    mac: str | None = None
    ip: str | None = None
    lan_ip: str | None = None
    ssid: str | None = None
    lat: str | None = None
    lng: str | None = None
    gateway_dsn: str | None = None
    grant: dict[str, Any] | None = None

    @property
    def is_online(self) -> bool:
        """Tell whether the cloud is in contact with it."""
        return self.connection_status == "Online"


class Property(Resource, frozen=True, kw_only=True):
    """A property of a device's twin with its newest value, which is a number 0 or 1 for a boolean."""

    name: str
    base_type: str = ""
    direction: str | None = None
    read_only: bool | None = None
    value: Any = None
    key: int = 0
    device_key: int = 0
    display_name: str | None = None
    product_name: str | None = None
    scope: str | None = None
    data_updated_at: str | None = None
    ack_enabled: bool | None = None
    ack_status: int | str | None = None
    ack_message: int | str | None = None
    acked_at: str | None = None


class DatapointPage(Resource, frozen=True, kw_only=True):
    """One page of datapoints; ``next_page`` is the cursor of the one behind it, None at the end."""

    datapoints: tuple[Datapoint, ...]
    next_page: str | None = None
    previous_page: str | None = None


class BatchResult(Resource, frozen=True, kw_only=True):
    """What became of one datapoint of a batch: created if ``status`` is 2xx."""

    status: int
    dsn: str | None = None
    name: str | None = None
    datapoint: Datapoint | None = None
    error: Any = None

    @property
    def is_created(self) -> bool:
        """Tell whether the value was set."""
        return 200 <= self.status < 300


class Datum(Resource, frozen=True, kw_only=True):
    """A piece of metadata of a user or a device."""

    key: str
    value: str = ""
    created_at: str | None = None
    updated_at: str | None = None


class Share(Resource, frozen=True, kw_only=True):
    """A device (``resource_id`` is its DSN) that its owner shares; ``operation`` is read or write."""

    id: int
    resource_name: str = "device"
    resource_id: str = ""
    user_email: str = ""
    operation: str | None = None
    status: str | None = None
    start_date_at: str | None = None
    end_date_at: str | None = None
    created_at: str | None = None
    owner_id: int | None = None
    user_id: int | None = None


class Subscription(Resource, frozen=True, kw_only=True):
    """A subscription; ``stream_key`` opens its stream."""

    id: int
    stream_key: str | None = None
    subscription_type: str = ""
    client_type: str | None = None
    oem: str | None = None
    oem_model: str | None = None
    dsn: str | None = None
    property_name: str | None = None
    name: str | None = None
    description: str | None = None
    batch_size: int | None = None
    connection_status: str | None = None
    is_suspended: bool | None = None
    date_suspended: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    user_uuid: str | None = None
