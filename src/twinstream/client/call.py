"""The REST calls: for each one how it is asked and how the answer is read.

Owns methods, paths and bodies; knows neither sockets nor tokens. `cloud.Cloud` and `cloud.CloudSync` both offer exactly
this table, one awaited, one not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from twinstream.client.answer import nothing, page, plain_list, whole, wrapped, wrapped_list
from twinstream.client.resource import (
    BatchResult,
    Datapoint,
    DatapointPage,
    Datum,
    Device,
    Property,
    Share,
    Subscription,
    Tokens,
    User,
)

T = TypeVar("T")
Query = tuple[tuple[str, str], ...]
Value = bool | int | float | str


class Service(StrEnum):
    """Whose API it is; the names of the fields of `regions.Hosts`."""

    USERS = "users"
    DEVICES = "devices"
    SUBSCRIPTIONS = "subscriptions"


class Call(msgspec.Struct, Generic[T], frozen=True):
    """A request to be sent, and how its answer is read.

    ``body`` may be a function of the caller's tokens. ``is_open``: it is asked without an access token.
    """

    method: str
    service: Service
    path: str
    read: Callable[[bytes], T]
    query: Query = ()
    body: Any = None
    is_open: bool = False


class Session(msgspec.Struct, frozen=True):
    """What `sign_out` leaves: nothing."""


def sign_in(email: str, password: str, *, app_id: str | None = None, app_secret: str | None = None) -> Call[Tokens]:
    """Sign in with email and password, for an application; what is called after that is called as this user."""
    application = {} if app_id is None else {"application": {"app_id": app_id, "app_secret": app_secret}}
    body = {"user": {"email": email, "password": password} | application}
    return Call("POST", Service.USERS, "/users/sign_in.json", whole(Tokens), body=body, is_open=True)


def sign_in_with_token(token: str, *, app_id: str, app_secret: str) -> Call[Tokens]:
    """Sign in with a token of the application's identity provider."""
    body = {"token": token, "app_id": app_id, "app_secret": app_secret}
    return Call("POST", Service.USERS, "/api/v1/token_sign_in", whole(Tokens), body=body, is_open=True)


def refresh() -> Call[Tokens]:
    """Replace both tokens. Calls do so by themselves shortly before the access token expires, or when it is refused."""
    return Call("POST", Service.USERS, "/users/refresh_token.json", whole(Tokens), body=ask_refresh, is_open=True)


def sign_out() -> Call[Session]:
    """Void both tokens."""
    return Call("POST", Service.USERS, "/users/sign_out.json", lambda _: Session(), body=_ask_sign_out, is_open=True)


def get_profile() -> Call[User]:
    """Return who is signed in."""
    return Call("GET", Service.USERS, "/users/get_user_profile.json", whole(User))


def list_devices() -> Call[list[Device]]:
    """Return the user's own devices and those shared with the user."""
    return Call("GET", Service.DEVICES, "/apiv1/devices.json", wrapped_list("device", Device))


def get_device(dsn: str) -> Call[Device]:
    """Return a device."""
    return Call("GET", Service.DEVICES, f"/apiv1/dsns/{_in_path(dsn)}.json", wrapped("device", Device))


def register_device(dsn: str, *, regtoken: str | None = None, setup_token: str | None = None) -> Call[Device]:
    """Make a device the user's; which tokens it takes is up to its way of registration."""
    given = {"dsn": dsn, "regtoken": regtoken, "setup_token": setup_token}
    return Call(
        "POST", Service.DEVICES, "/apiv1/devices.json", wrapped("device", Device), body={"device": _told(given)}
    )


def rename_device(key: int, product_name: str) -> Call[None]:
    """Give a device, by its key, another name."""
    body = {"device": {"product_name": product_name}}
    return Call("PUT", Service.DEVICES, f"/apiv1/devices/{key:d}.json", nothing, body=body)


def unregister_device(key: int) -> Call[None]:
    """Give up a device, by its key."""
    return Call("DELETE", Service.DEVICES, f"/apiv1/devices/{key:d}.json", nothing)


def list_properties(dsn: str, names: Iterable[str] = ()) -> Call[list[Property]]:
    """Return the properties of a device with their values, all or those of these names."""
    query = tuple(("names[]", name) for name in names)
    path = f"/apiv1/dsns/{_in_path(dsn)}/properties.json"
    return Call("GET", Service.DEVICES, path, wrapped_list("property", Property), query=query)


def get_property(dsn: str, name: str) -> Call[Property]:
    """Return a property with its value."""
    return Call("GET", Service.DEVICES, f"{_property(dsn, name)}.json", wrapped("property", Property))


def set_property(dsn: str, name: str, value: Value, *, metadata: Mapping[str, str] | None = None) -> Call[Datapoint]:
    """Create a datapoint: set a property that leads to the device. True and False are sent as 1 and 0."""
    path = f"{_property(dsn, name)}/datapoints.json"
    return Call("POST", Service.DEVICES, path, wrapped("datapoint", Datapoint), body=_datapoint(value, metadata))


def set_properties(values: Iterable[tuple[str, str, Value]]) -> Call[list[BatchResult]]:
    """Set properties (DSN, name, value) of one or many devices at once; each has its own outcome, in their order."""
    items = [_datapoint(value, None) | {"dsn": dsn, "name": name} for dsn, name, value in values]
    body = {"batch_datapoints": items}
    return Call("POST", Service.DEVICES, "/apiv1/batch_datapoints.json", plain_list(BatchResult), body=body)


def list_datapoints(dsn: str, name: str, *, limit: int | None = None) -> Call[list[Datapoint]]:
    """Return the newest datapoints of a property, at most 100, the oldest of them first."""
    query = () if limit is None else (("limit", str(limit)),)
    path = f"{_property(dsn, name)}/datapoints.json"
    return Call("GET", Service.DEVICES, path, wrapped_list("datapoint", Datapoint), query=query)


def page_datapoints(
    dsn: str,
    name: str,
    *,
    after: str | None = None,
    per_page: int = 99,
    since: str | None = None,
    until: str | None = None,
) -> Call[DatapointPage]:
    """Return a page of a property's datapoints; ``after`` is the cursor that the page before gave.

    ``since`` and ``until`` bound their time (2018-09-24T10:26:37Z). See `Cloud.datapoints`, which goes through all.
    """
    given = {
        "paginated": "true",
        "is_forward_page": "true",
        "per_page": str(per_page),
        "next": after,
        "filter[created_at_since_date]": since,
        "filter[created_at_end_date]": until,
    }
    query = tuple((key, value) for key, value in given.items() if value is not None)
    return Call("GET", Service.DEVICES, f"{_property(dsn, name)}/datapoints.json", page, query=query)


def get_datapoint(dsn: str, name: str, datapoint_id: str) -> Call[Datapoint]:
    """Return a datapoint; ``acked_at`` tells whether the device has answered."""
    path = f"{_property(dsn, name)}/datapoints/{_in_path(datapoint_id)}.json"
    return Call("GET", Service.DEVICES, path, wrapped("datapoint", Datapoint))


def list_device_data(dsn: str) -> Call[list[Datum]]:
    """Return the metadata of a device."""
    return Call("GET", Service.DEVICES, f"/apiv1/dsns/{_in_path(dsn)}/data.json", wrapped_list("datum", Datum))


def create_device_datum(dsn: str, key: str, value: str) -> Call[Datum]:
    """Add metadata to a device."""
    path, body = f"/apiv1/dsns/{_in_path(dsn)}/data.json", {"datum": {"key": key, "value": value}}
    return Call("POST", Service.DEVICES, path, wrapped("datum", Datum), body=body)


def get_device_datum(dsn: str, key: str) -> Call[Datum]:
    """Return metadata of a device by its key."""
    return Call("GET", Service.DEVICES, _device_datum(dsn, key), wrapped("datum", Datum))


def update_device_datum(dsn: str, key: str, value: str) -> Call[Datum]:
    """Change metadata of a device."""
    body = {"datum": {"value": value}}
    return Call("PUT", Service.DEVICES, _device_datum(dsn, key), wrapped("datum", Datum), body=body)


def delete_device_datum(dsn: str, key: str) -> Call[None]:
    """Delete metadata of a device."""
    return Call("DELETE", Service.DEVICES, _device_datum(dsn, key), nothing)


def list_user_data() -> Call[list[Datum]]:
    """Return the metadata of the user."""
    return Call("GET", Service.USERS, "/api/v1/users/data.json", wrapped_list("datum", Datum))


def create_user_datum(key: str, value: str) -> Call[Datum]:
    """Add metadata to the user."""
    body = {"datum": {"key": key, "value": value}}
    return Call("POST", Service.USERS, "/api/v1/users/data.json", wrapped("datum", Datum), body=body)


def get_user_datum(key: str) -> Call[Datum]:
    """Return metadata of the user by its key."""
    return Call("GET", Service.USERS, f"/api/v1/users/data/{_in_path(key)}.json", wrapped("datum", Datum))


def update_user_datum(key: str, value: str) -> Call[Datum]:
    """Change metadata of the user."""
    path, body = f"/api/v1/users/data/{_in_path(key)}.json", {"datum": {"value": value}}
    return Call("PUT", Service.USERS, path, wrapped("datum", Datum), body=body)


def delete_user_datum(key: str) -> Call[None]:
    """Delete metadata of the user."""
    return Call("DELETE", Service.USERS, f"/api/v1/users/data/{_in_path(key)}.json", nothing)


def list_shares() -> Call[list[Share]]:
    """Return what the user shares."""
    return Call("GET", Service.USERS, "/api/v1/users/shares.json", wrapped_list("share", Share))


def list_received_shares() -> Call[list[Share]]:
    """Return what others share with the user."""
    return Call("GET", Service.USERS, "/api/v1/users/shares/received.json", wrapped_list("share", Share))


def create_share(
    dsn: str, user_email: str, *, operation: str = "read", start: str | None = None, end: str | None = None
) -> Call[Share]:
    """Share a device with another user; ``operation`` is read or write."""
    fields = {"resource_name": "device", "resource_id": dsn, "user_email": user_email, "operation": operation}
    body = {"share": fields | _told({"start_date_at": start, "end_date_at": end})}
    return Call("POST", Service.USERS, "/api/v1/users/shares.json", wrapped("share", Share), body=body)


def delete_share(share_id: int) -> Call[None]:
    """End a share."""
    return Call("DELETE", Service.USERS, f"/api/v1/users/shares/{share_id:d}.json", nothing)


def list_subscriptions() -> Call[list[Subscription]]:
    """Return the user's subscriptions."""
    return Call("GET", Service.SUBSCRIPTIONS, _SUBSCRIPTIONS, wrapped_list("subscription", Subscription))


def create_subscription(
    subscription_type: str,
    *,
    client_type: str = "mobile",
    oem_model: str = "*",
    dsn: str | None = "*",
    property_name: str = "*",
    name: str | None = None,
    description: str | None = None,
    batch_size: int | None = None,
) -> Call[Subscription]:
    """Subscribe to a type of events, or for ``mobile`` to several with commas between; filters are ``*`` or lists, too.

    Use its ``stream_key`` with `stream.connect`.
    """
    given = {
        "subscription_type": subscription_type,
        "client_type": client_type,
        "oem_model": oem_model,
        "dsn": dsn,
        "property_name": property_name,
        "name": name,
        "description": description,
        "batch_size": batch_size,
    }
    read = wrapped("subscription", Subscription)
    return Call("POST", Service.SUBSCRIPTIONS, _SUBSCRIPTIONS, read, body=_told(given))


def get_subscription(subscription_id: int) -> Call[Subscription]:
    """Return a subscription."""
    path = f"{_SUBSCRIPTIONS}/{subscription_id:d}"
    return Call("GET", Service.SUBSCRIPTIONS, path, wrapped("subscription", Subscription))


def update_subscription(subscription_id: int, **changes: str | int | None) -> Call[Subscription]:
    """Change fields of a subscription; its key and its numbers stay. The id goes in the body, as mobile clients do."""
    body = {"id": subscription_id} | changes
    return Call("PUT", Service.SUBSCRIPTIONS, _SUBSCRIPTIONS, wrapped("subscription", Subscription), body=body)


def delete_subscription(subscription_id: int) -> Call[None]:
    """End a subscription; its key is refused from then on."""
    return Call("DELETE", Service.SUBSCRIPTIONS, f"{_SUBSCRIPTIONS}/{subscription_id:d}", nothing)


def ask_refresh(tokens: Tokens) -> object:
    """Return the body that asks for new tokens."""
    return {"user": {"refresh_token": tokens.refresh_token}}


def _ask_sign_out(tokens: Tokens) -> object:
    return {"user": {"access_token": tokens.access_token}}


_SUBSCRIPTIONS = "/api/v1/subscriptions"


def _in_path(text: str) -> str:
    """Quote a name for a path; what would mean another path is no name."""
    if text in ("", ".", ".."):
        raise ValueError(f"no name: {text!r}")
    return quote(text, safe="")


def _property(dsn: str, name: str) -> str:
    return f"/apiv1/dsns/{_in_path(dsn)}/properties/{_in_path(name)}"


def _device_datum(dsn: str, key: str) -> str:
    return f"/apiv1/dsns/{_in_path(dsn)}/data/{_in_path(key)}.json"


def _datapoint(value: Value, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"value": int(value) if isinstance(value, bool) else value}
    return {"datapoint": fields if metadata is None else fields | {"metadata": dict(metadata)}}


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
