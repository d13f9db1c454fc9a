"""Who may do what: an entry for every operation of the application, with a request that works for whoever may.

`test_isolation` makes its matrix of this table, and fails for a route without an entry. Paths, queries and bodies name
Ana's things as ``{dsn}``, ``{file_id}``; `isolation_place` knows what these are. The order matters for those who may:
what is deleted is deleted last.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, NamedTuple


class Rule(Enum):
    """Who may; whoever cannot see a thing is told that it does not exist (404), other kinds of callers 401."""

    SEE = auto()
    """The owner, and the holders of shares that count. Everybody else: 404."""
    STEER = auto()
    """The owner, and holders of a share for writing. Those of a share for reading: 403; everybody else: 404."""
    OWN = auto()
    """The owner. Holders of a share: 403; everybody else: 404."""
    KEEP = auto()
    """The owner. Everybody else: 404, also holders of a share."""
    SELF = auto()
    """Everybody, of their own things: nothing of Ana's is in the answer, nothing of hers changes."""
    ADMIN = auto()
    """Administrators of Ana's OEM. Others of the OEM, and staff of another: 403; an administrator of another: 404."""
    DEVICE = auto()
    """The device itself. Other devices: 404; users: 401."""
    OPERATOR = auto()
    """Who runs the server. Everybody else: 401."""


class Entry(NamedTuple):
    """A request: ``ids`` say which thing a variable of the path means where it is not the usual one.

    ``parties`` are those beside the owner whose own business it is: they are not tried. ``by`` is who may.
    """

    rule: Rule
    body: Any = None
    query: str = ""
    ids: dict[str, str] = {}  # noqa: RUF012
    parties: tuple[str, ...] = ()
    by: str = ""
    content: bytes | None = None


SEE, STEER, OWN, KEEP = (Entry(rule) for rule in (Rule.SEE, Rule.STEER, Rule.OWN, Rule.KEEP))
SELF, ADMIN, DEVICE, OPERATOR = (Entry(rule) for rule in (Rule.SELF, Rule.ADMIN, Rule.DEVICE, Rule.OPERATOR))

_POINT = {"datapoint": {"value": 1}}
_LEVEL = {"name": "level", "property_key": "level_key"}
_FILE = {"property_key": "file_key", "datapoint_id": "file_id"}
_MESSAGE = {"property_key": "message_key", "datapoint_id": "message_id"}
_NODE = {"device_key": "node_key"}
_HOLDERS = ("reader", "writer", "future")
_RULE = {"role": "OEM::Staff", "client_type": "cloud", "subscription_type": "datapoint", "oem_model": "ledevb"}
_TEMPLATE = {"oem_model": "other", "version": "7", "properties": []}
_PERSON = {"user_email": "{heir}", "role": "EndUser"}
_STAFF = {"user_email": "{heir}", "role": "OEM::Staff"}
_LABEL = {**_PERSON, "label": {"floor": "1"}}
_DEVICE_LABEL = {"role_name": "OEM::Acme::Dealer", "label": {"key": "floor", "value": "1"}}
_TIE = {"user_email": "{email}", "role": "OEM::Admin"}
_SUBSCRIPTION = {"name": "mine", "dsn": "{dsn}", "client_type": "mobile", "subscription_type": "datapoint"}
_RANGES = {
    "time_range_filter": [{"time_range_id": 1, "start_time": "2020/01/01 00:00:00", "end_time": "2040/01/01 00:00:00"}]
}
_SHARE = {"share": {"resource_name": "device", "resource_id": "{dsn}", "user_email": "{heir}", "operation": "write"}}
_BATCH = {"batch_datapoints": [{**_POINT, "dsn": "{dsn}", "name": "level", "batch_id": 1}]}
_NODE_BODY = {"node": {"address": "0x9", "oem_model": "bulb"}}

USERS = {
    "GET /apiv1/devices": SELF._replace(query="paginated=1&user_uuid={uuid}", parties=_HOLDERS),
    "GET /apiv1/devices/{device_key}": SEE,
    "GET /apiv1/dsns/{dsn}": SEE,
    "GET /apiv1/dsns/{dsn}/data": SEE._replace(query="keys[]=note"),
    "GET /apiv1/dsns/{dsn}/data/{key}": SEE,
    "GET /api/v1/users/data": SELF._replace(query="keys=note&user_id={user_id}"),
    "GET /api/v1/users/data/{key}": SELF._replace(query="user_uuid={uuid}"),
    "GET /apiv1/devices/{device_key}/connection_history": SEE,
    "GET /apiv1/dsns/{dsn}/connection_history": SEE,
    "GET /apiv1/devices/{device_key}/commands": SEE,
    "GET /apiv1/devices/{device_key}/addr": OWN,
    "GET /apiv1/devices/{device_key}/time_zones": SEE,
    "GET /apiv1/dsns/{dsn}/registered_nodes": SEE,
    "GET /apiv1/groups": SELF,
    "GET /apiv1/devices/{device_key}/lan": STEER,
    "GET /apiv1/dsns/{dsn}/lan": STEER,
    "GET /apiv1/devices/{device_key}/connection_config": STEER,
    "GET /apiv1/dsns/{dsn}/connection_config": STEER,
    "GET /apiv1/dsns/{dsn}/connection_info": SEE,
    "GET /apiv1/devices/{device_key}/notifications": SEE,
    "GET /apiv1/devices/{device_key}/notifications/all": SEE,
    "GET /apiv1/devices/{device_key}/schedules": SEE,
    "GET /apiv1/schedules/all/by_user": SELF._replace(query="user_uuid={uuid}"),
    "GET /apiv1/dsns/{dsn}/properties/{name}/triggers/all": SEE,
    "GET /apiv1/dsns/{dsn}/properties/{name}/triggers": SEE,
    "GET /apiv1/properties/{property_key}/triggers": SEE,
    "GET /apiv1/triggers/all/by_user": SELF._replace(query="user_uuid={uuid}"),
    "GET /apiv1/devices/register": KEEP._replace(query="regtype=Node&dsn={dsn}"),
    "GET /apiv1/dsns/{dsn}/properties": SEE._replace(query="names[]=state"),
    "GET /apiv1/devices/{device_key}/properties": SEE,
    "GET /apiv1/dsns/{dsn}/properties/{name}": SEE,
    "GET /apiv1/devices/{device_key}/properties/{name}": SEE,
    "GET /apiv1/properties/{property_key}": SEE,
    "GET /apiv1/dsns/{dsn}/properties/{name}/datapoints": SEE._replace(query="paginated=true&next={datapoint_id}"),
    "GET /apiv1/devices/{device_key}/properties/{name}/datapoints": SEE._replace(query="limit=5"),
    "GET /apiv1/properties/{property_key}/datapoints": SEE._replace(query="filter[created_at_since_date]=2020-01-01"),
    "GET /apiv1/dsns/{dsn}/properties/{name}/datapoints/time_range_filter": SEE._replace(body=_RANGES),
    "GET /apiv1/devices/{device_key}/properties/{name}/datapoints/time_range_filter": SEE._replace(body=_RANGES),
    "GET /apiv1/dsns/{dsn}/properties/{name}/datapoints/{datapoint_id}": SEE,
    "GET /apiv1/devices/{device_key}/properties/{name}/datapoints/{datapoint_id}": SEE,
    "GET /apiv1/properties/{property_key}/datapoints/{datapoint_id}": SEE,
    "GET /users/{uuid}": KEEP,
    "GET /users/get_user_profile": SELF._replace(query="uuid={uuid}"),
    "PUT /users": SELF._replace(body={"user": {"uuid": "{uuid}", "id": 1, "role": "OEM::Admin"}}),
    "GET /api/v1/subscriptions": SELF._replace(query="user_uuid={uuid}"),
    "GET /api/v1/subscriptions/{subscription_id}": KEEP,
    "GET /api/v1/subscriptions/{subscription_id}/gaps": KEEP,
    "GET /api/v1/subscriptions/{subscription_id}/faults": KEEP,
    "PUT /api/v1/subscriptions/{subscription_id}/faults": KEEP._replace(body={"duplicate": 0.5}),
    "DELETE /api/v1/subscriptions/{subscription_id}/faults": KEEP,
    "GET /api/v1/subscriptions/{subscription_id}/status": KEEP,
    "GET /api/v1/subscriptions/{subscription_id}/why": KEEP._replace(query="dsn={dsn}"),
    "GET /api/v1/overview": SELF,
    "PUT /api/v1/subscriptions/{subscription_id}/suspend": KEEP,
    "PUT /api/v1/subscriptions/{subscription_id}/resume": KEEP,
    "GET /api/v1/users/shares": SELF._replace(query="owner_id={user_id}"),
    "GET /api/v1/users/shares/received": SELF._replace(query="user_id={user_id}", by="writer", parties=_HOLDERS),
    "GET /api/v1/users/shares/{share_id}": KEEP._replace(parties=("writer",)),
    "GET /api/v1/users/contacts": SELF._replace(query="user_uuid={uuid}"),
    "GET /apiv1/devices/find_by_role_label": SELF._replace(query="role=OEM::Acme::Dealer", parties=_HOLDERS),
    "GET /apiv1/devices/{device_key}/role_labels": SEE,
    "GET /apiv1/role_labels/{role_label_id}": SEE,
    "POST /apiv1/devices/{device_key}/role_labels": OWN._replace(body={"role_label": {"role_name": "OEM::Acme::New"}}),
    "PUT /apiv1/devices/{device_key}/role_labels/associate": OWN._replace(body=_DEVICE_LABEL),
    "PUT /apiv1/devices/{device_key}/role_labels/disassociate": OWN._replace(body=_DEVICE_LABEL),
    "PUT /apiv1/role_labels/{role_label_id}": OWN._replace(body={"role_label": {"description": "x"}}),
    "POST /apiv1/dsns/{dsn}/data": STEER._replace(body={"datum": {"key": "new", "value": "x"}}),
    "PUT /apiv1/dsns/{dsn}/data/{key}": STEER._replace(body={"datum": {"value": "x"}}),
    "POST /api/v1/users/data": SELF._replace(body={"datum": {"key": "new", "value": "x", "user_id": "{user_id}"}}),
    "PUT /api/v1/users/data/{key}": SELF._replace(body={"datum": {"value": "x"}}, query="user_id={user_id}"),
    "PUT /apiv1/devices/{device_key}/identify": STEER._replace(body={"value": "On", "time": "60"}, ids=_NODE),
    "PUT /apiv1/devices/{device_key}/addr": OWN._replace(body={"addr": {"street": "x"}}),
    "PUT /apiv1/devices/{device_key}/time_zones": STEER._replace(body={"time_zone": {"tz_id": "Europe/Rome"}}),
    "POST /apiv1/devices/{device_key}/locations": STEER._replace(
        body={"location": {"provider": "user-based", "lat": 1, "long": 1}}
    ),
    "POST /apiv1/devices/{device_key}/registration_window": OWN._replace(body={"duration": "60"}),
    "POST /apiv1/dsns/{dsn}/properties/{name}/datapoints": STEER._replace(body=_POINT, ids=_LEVEL),
    "POST /apiv1/devices/{device_key}/properties/{name}/datapoints": STEER._replace(body=_POINT, ids=_LEVEL),
    "POST /apiv1/properties/{property_key}/datapoints": STEER._replace(body=_POINT, ids=_LEVEL),
    "POST /apiv1/batch_datapoints": STEER._replace(body=_BATCH),
    "PUT /apiv1/datapoints/{datapoint_id}": STEER._replace(body={"datapoint": {"fetched": True}}, ids=_FILE),
    "PUT /apiv1/devices/{device_key}": OWN._replace(body={"device": {"product_name": "x"}}),
    "PUT /apiv1/dsns/{dsn}": OWN._replace(body={"device": {"product_name": "x"}}),
    "POST /api/v1/subscriptions": SELF._replace(body=_SUBSCRIPTION),
    "PUT /api/v1/subscriptions": KEEP._replace(body={"id": "{subscription_id}", "name": "x"}),
    "PUT /api/v1/subscriptions/{subscription_id}": KEEP._replace(body={"name": "x"}),
    "PUT /api/v1/users/shares/{share_id}": KEEP._replace(body={"share": {"operation": "read"}}),
    "POST /api/v1/users/shares": KEEP._replace(body=_SHARE),
    "POST /apiv1/devices": KEEP._replace(body={"device": {"dsn": "{dsn}"}}, query="lat=1&lng=1"),
}
"""What users do; Ana may, where nobody else is named. What takes something away is in `ENDS`."""

DEVICES = {
    "GET /dsns/{dsn}": DEVICE._replace(query="test=1"),
    "PUT /devices/{device_key}": DEVICE._replace(body={"device": {"sw_version": "2"}}),
    "GET /devices/{device_key}/lan": DEVICE,
    "PUT /devices/{device_key}/start_reg_window": DEVICE,
    "PUT /devices/{device_key}/oem_info": DEVICE._replace(body={"oem": "{oem}", "oem_model": "ledevb"}),
    "PUT /devices/{device_key}/ota_failed": DEVICE,
    "GET /devices/{device_key}/commands": DEVICE._replace(query="input=true"),
    "GET /devices/{device_key}/cmds": DEVICE,
    "GET /dev/v1/dsns/{dsn}/commands": DEVICE,
    "PUT /devices/{device_key}/cmd_post_process": DEVICE._replace(query="cmd_id={cmd_id}&status=200"),
    "PUT /dev/v1/dsns/{dsn}/cmd_post_process": DEVICE._replace(query="cmd_id={cmd_id}&status=200"),
    "POST /devices/{device_key}/properties/{name}/datapoints": DEVICE._replace(body={"datapoint": {"value": "x"}}),
    "POST /dev/v1/dsns/{dsn}/properties/{name}/datapoints": DEVICE._replace(body={"datapoint": {"value": "y"}}),
    "POST /dev/v1/dsns/{dsn}/batch_datapoints": DEVICE._replace(body=_BATCH),
    "PUT /dev/v1/dsns/{dsn}/properties/{name}/datapoints/{datapoint_id}": DEVICE._replace(
        body={"datapoint": {"ack_status": 200, "ack_message": 0}}, ids={"name": "blue", "datapoint_id": "blue_id"}
    ),
    "GET /devices/{device_key}/properties/{property_key}/datapoints/{datapoint_id}": DEVICE._replace(ids=_FILE),
    "PUT /devices/{device_key}/properties/{property_key}/message_datapoints/{datapoint_id}": DEVICE._replace(
        content=b"bytes", ids=_MESSAGE
    ),
    "PUT /dev/v1/dsns/{device_key}/properties/{property_key}/message_datapoints/{datapoint_id}": DEVICE._replace(
        content=b"bytes", ids={"property_key": "message_key", "datapoint_id": "message_too_id"}
    ),
    "PUT /devices/{device_key}/properties/{property_key}/datapoints/{datapoint_id}": DEVICE._replace(
        body={"datapoint": {"discarded": True}}, ids=_FILE
    ),
    "POST /dev/v1/dsns/{dsn}/nodes": DEVICE._replace(body=_NODE_BODY),
    "PUT /dev/v1/dsns/{dsn}/nodes/{node_dsn}": DEVICE._replace(body=_NODE_BODY),
    "PUT /dev/v1/dsns/{dsn}/nodes/{node_dsn}/conn_status": DEVICE._replace(body={"connection": {"status": "Online"}}),
    "DELETE /dev/v1/dsns/{dsn}/nodes/{node_dsn}": DEVICE,
}
"""What the device itself does."""

ADMINS = {
    "GET /api/v1/users/role_users": ADMIN._replace(query="user_email={heir}"),
    "GET /api/v1/users/index_by_role": ADMIN._replace(query="role=EndUser"),
    "GET /api/v1/users/index_by_label": ADMIN._replace(query="key=floor&value=1"),
    "GET /api/v1/users/index_by_oem": ADMIN._replace(query="oem={oem}"),
    "PUT /api/v1/users/assign_label": ADMIN._replace(body=_LABEL),
    "PUT /api/v1/users/revoke_label": ADMIN._replace(body={**_PERSON, "label_key": "floor"}),
    "GET /api/v1/users/associated_users": SELF._replace(query="user_uuid={uuid}"),
    "POST /api/v1/users/create_role_user": ADMIN._replace(
        body={"user": {"email": "new1@x.example", "role": "OEM::Staff"}}
    ),
    "POST /api/v1/users/create_associated_user": ADMIN._replace(body={"user": {"email": "new2@x.example"}}),
    "PUT /api/v1/users/disassociate_role_user": ADMIN._replace(body={**_TIE, "label_key": "floor"}, parties=("ana",)),
    "PUT /api/v1/users/associate_role_user": ADMIN._replace(
        body={**_TIE, "label": {"floor": "{label}"}}, parties=("ana",)
    ),
    "PUT /api/v1/users/disassociate_user": ADMIN._replace(body={"user_email": "{email}"}),
    "GET /api/v1/oemAccessRules": SELF._replace(by="ada", query="oem={oem}"),
    "GET /api/v1/oemAccessRules/{rule_id}": ADMIN,
    "POST /api/v1/oemAccessRules": ADMIN._replace(body={**_RULE, "oem": "{oem}"}),
    "DELETE /api/v1/oemAccessRules/{rule_id}": ADMIN,
    "GET /admin/v1/oems/{oem}/templates": ADMIN,
    "GET /admin/v1/oems/{oem}/templates/{template_id}": ADMIN,
    "POST /admin/v1/oems/{oem}/templates": ADMIN._replace(body=_TEMPLATE),
    "PUT /admin/v1/oems/{oem}/templates/{template_id}": ADMIN._replace(body={**_TEMPLATE, "version": "8"}),
    "DELETE /admin/v1/oems/{oem}/templates/{template_id}": ADMIN,
}
"""What the administrators of an OEM do. Its end users know of rules what they may subscribe to."""

ENDS = {
    "DELETE /apiv1/dsns/{dsn}/data/{key}": STEER,
    "DELETE /api/v1/users/data/{key}": SELF,
    "DELETE /apiv1/role_labels/{role_label_id}": OWN,
    "DELETE /api/v1/subscriptions/{subscription_id}": KEEP,
    "DELETE /api/v1/users/shares/{share_id}": KEEP._replace(parties=("writer",)),
    "DELETE /api/v1/users/shares": KEEP._replace(query="resource_name=device&resource_id={dsn}", parties=_HOLDERS),
    "PUT /apiv1/devices/{device_key}/cmds/factory_reset": OWN,
    "PUT /apiv1/devices/{device_key}/transfer": OWN._replace(
        body={"device": {"email": "{heir}"}}, ids={"device_key": "spare_dsn"}
    ),
    "DELETE /apiv1/devices/{device_key}": OWN,
    "PUT /api/v1/users/assign_role": ADMIN._replace(body=_STAFF),
    "PUT /api/v1/users/revoke_role": ADMIN._replace(body=_STAFF),
    "PATCH /admin/v1/users/{uuid}": OPERATOR._replace(body={"role": "OEM::Staff"}),
    "DELETE /admin/v1/users/{uuid}": OPERATOR,
}
"""What takes something away."""

OPERATORS = {
    "PUT /admin/v1/applications/{app_id}/identity_provider": OPERATOR._replace(
        body={"url": "https://idp.example/", "app_secret": "{app_secret}"}
    ),
    "GET /admin/v1/oems": OPERATOR,
    "POST /admin/v1/oems": OPERATOR._replace(body={"name": "new"}),
    "PUT /admin/v1/oems/{oem}/retention": OPERATOR._replace(body={"retention_age_s": 1000.0}),
    "GET /admin/v1/oems/{oem}/applications": OPERATOR,
    "POST /admin/v1/oems/{oem}/applications": OPERATOR._replace(body={"name": "new"}),
    "GET /admin/v1/oems/{oem}/users": OPERATOR,
    "POST /admin/v1/oems/{oem}/users": OPERATOR._replace(body={"email": "new@x.example", "password": "correct horse"}),
    "GET /admin/v1/oems/{oem}/devices": OPERATOR,
    "POST /admin/v1/oems/{oem}/devices": OPERATOR._replace(
        body={"dsn": "AC000W000000009", "oem_model": "ledevb", "with_key": False}
    ),
    "GET /admin/v1/oems/{oem}/subscriptions": OPERATOR,
    "GET /admin/v1/faults": OPERATOR,
    "GET /admin/v1/subscriptions/{subscription_id}/why": OPERATOR._replace(query="dsn={dsn}"),
    "GET /admin/v1/subscriptions/{subscription_id}/faults": OPERATOR,
    "PUT /admin/v1/subscriptions/{subscription_id}/faults": OPERATOR._replace(body={"seed": 1}),
    "DELETE /admin/v1/subscriptions/{subscription_id}/faults": OPERATOR,
    "POST /admin/v1/subscriptions/{subscription_id}/suspend": OPERATOR,
    "POST /admin/v1/subscriptions/{subscription_id}/resume": OPERATOR,
}
"""What whoever runs the server does."""

TABLE: dict[str, Entry] = {**USERS, **DEVICES, **ADMINS, **OPERATORS, **ENDS}
"""All of it."""

OUTSIDE = {
    "nothing of anybody's": ("GET /healthz", "GET /readyz", "GET /metrics", "GET /ping"),
    "the stream key says whose it is (test_subscription, test_websocket)": (
        "GET /stream",
        "GET /stream/stream",
        "DELETE /stream",
        "DELETE /stream/stream",
        "GET /api/v1/subscriptions/getCurrentSeq",
    ),
    "asks for a password, or for a token out of a mail (test_account, test_token, test_sso)": (
        "POST /users",
        "POST /users/password",
        "PUT /users/password",
        "POST /users/confirmation",
        "PUT /users/confirmation",
        "POST /users/sign_in",
        "POST /users/refresh_token",
        "POST /users/sign_out",
        "POST /api/v1/token_sign_in",
        "POST /users/provider_auth",
        "PUT /api/v1/ssouser",
    ),
    "names nobody, and ends the caller's own token (test_account)": ("DELETE /users", "PUT /users/update_email"),
    "always refused (test_user)": ("POST /api/v1/users/link", "DELETE /api/v1/users/link/{user_id}"),
    "the signature says who may (below)": ("GET /files/{datapoint_id}", "PUT /files/{datapoint_id}"),
}
"""Operations that the matrix leaves out, by the reason."""
