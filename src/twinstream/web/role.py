"""Roles and their labels: `/api/v1/users/assign_role` and its companions.

Administrators change, staff read; both within their OEM. Success of a change is 200 without a body.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, get, post, put

from twinstream.model.check import invalid
from twinstream.model.principal import User
from twinstream.ports.role import RoleLabel
from twinstream.service.account import Person
from twinstream.service.role import RoleService
from twinstream.web.account import read_person
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body, describe_query
from twinstream.web.query import read_query
from twinstream.wire.body import read_body
from twinstream.wire.role import (
    LabelKeyRequest,
    LabelReply,
    LabelRequest,
    RoleRequest,
    RoleUser,
    UserReply,
    read_label,
    read_role_user,
    show_users,
)
from twinstream.wire.user import ProfileReply, show_profile

_PATH = "/api/v1/users"


@put(f"{_PATH}/assign_role", operation_class=describe_body(RoleRequest), tags=["roles"])
async def assign_role(request: Request[Any, Any, Any], user: Given[User], roles: Given[RoleService]) -> None:
    """Give a user a role in place of the present one, which signs them out; 409 for the last administrator."""
    wanted = read_body(await read_json(request), RoleRequest)
    await roles.assign(user, wanted.user_email, wanted.role)


@put(f"{_PATH}/revoke_role", operation_class=describe_body(RoleRequest), tags=["roles"])
async def revoke_role(request: Request[Any, Any, Any], user: Given[User], roles: Given[RoleService]) -> None:
    """Take a role from a user, who is an end user then; 409 for the last administrator."""
    wanted = read_body(await read_json(request), RoleRequest)
    await roles.revoke(user, wanted.user_email, wanted.role)


@put(f"{_PATH}/assign_label", operation_class=describe_body(LabelRequest), tags=["roles"])
async def assign_label(request: Request[Any, Any, Any], user: Given[User], roles: Given[RoleService]) -> None:
    """Give a user in a role a label, in place of one with the same key."""
    email, role, key, value = read_label(await read_json(request))
    await roles.assign_label(user, email, RoleLabel(role, key, value))


@put(f"{_PATH}/revoke_label", operation_class=describe_body(LabelKeyRequest), tags=["roles"])
async def revoke_label(request: Request[Any, Any, Any], user: Given[User], roles: Given[RoleService]) -> None:
    """Take a label from a user in a role."""
    wanted = read_body(await read_json(request), LabelKeyRequest)
    await roles.revoke_label(user, wanted.user_email, wanted.role, wanted.label_key)


@post(f"{_PATH}/create_role_user", status_code=201, operation_class=describe_body(RoleUser), tags=["roles"])
async def create_role_user(
    request: Request[Any, Any, Any], user: Given[User], roles: Given[RoleService]
) -> ProfileReply:
    """Make a user in a role, in the caller's OEM; a mail welcomes them. 422 for an email that is taken.

    Without ``password`` the new user asks for one. Unless the server believes every address, the user confirms theirs
    as one who signed up does.
    """
    fields = read_role_user(await read_json(request))
    person = read_person(fields, Person())
    return show_profile(await roles.create_user(user, fields.email, fields.password, person, fields.role))


@get(f"{_PATH}/role_users", operation_class=describe_query("user_email", user_email="Whose."), tags=["roles"])
async def list_labels(
    request: Request[Any, Any, Any], user: Given[User], roles: Given[RoleService]
) -> list[LabelReply]:
    """List the labels of a user (``user_email=...``)."""
    labels = await roles.list_labels(user, _require(request, "user_email"))
    return [LabelReply(label.role, {label.key: label.value}) for label in labels]


@get(
    f"{_PATH}/index_by_role",
    operation_class=describe_query("role", role="The role.", key="The key of a label.", value="Its value."),
    tags=["roles"],
)
async def list_by_role(
    request: Request[Any, Any, Any], user: Given[User], roles: Given[RoleService]
) -> list[UserReply]:
    """List the users in a role (``role=...``), with ``key`` and ``value`` those who have this label."""
    key, value = read_query(request, "key"), read_query(request, "value")
    label = None if key is None else (key, value or "")
    return show_users(await roles.list_users(user, role=_require(request, "role"), label=label))


@get(
    f"{_PATH}/index_by_label",
    operation_class=describe_query("key", "value", key="The key of the label.", value="Its value."),
    tags=["roles"],
)
async def list_by_label(
    request: Request[Any, Any, Any], user: Given[User], roles: Given[RoleService]
) -> list[UserReply]:
    """List the users who have a label (``key=...&value=...``), in whatever role."""
    label = (_require(request, "key"), _require(request, "value"))
    return show_users(await roles.list_users(user, label=label))


@get(f"{_PATH}/index_by_oem", tags=["roles"])
async def list_by_oem(user: Given[User], roles: Given[RoleService]) -> list[UserReply]:
    """List the users of the caller's OEM."""
    return show_users(await roles.list_users(user))


def _require(request: Request[Any, Any, Any], name: str) -> str:
    value = read_query(request, name)
    if value is None:
        raise invalid(name, "is missing")
    return value


ROUTES = [
    assign_role,
    revoke_role,
    assign_label,
    revoke_label,
    create_role_user,
    list_labels,
    list_by_role,
    list_by_label,
    list_by_oem,
]
