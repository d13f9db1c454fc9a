"""Users tied to users in a role: `/api/v1/users/associate_role_user` and its companions.

Success of a change is 200 without a body.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, get, post, put

from twinstream.model.principal import User
from twinstream.ports.role import RoleLabel
from twinstream.service.account import Person
from twinstream.service.association import AssociationService
from twinstream.web.account import read_person
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.account import NewUser, read_new_user
from twinstream.wire.association import (
    AssociationReply,
    AssociationRequest,
    DisassociationRequest,
    DismissalRequest,
    read_association,
    show_associations,
)
from twinstream.wire.body import read_body
from twinstream.wire.user import ProfileReply, show_profile

_PATH = "/api/v1/users"


@put(f"{_PATH}/associate_role_user", operation_class=describe_body(AssociationRequest), tags=["roles"])
async def associate_role_user(
    request: Request[Any, Any, Any], user: Given[User], associations: Given[AssociationService]
) -> None:
    """Tie the caller to whoever has a role with a label; 404 if nobody has both.

    An administrator ties somebody else with ``user_email``. Another tie to the same role and key is replaced. The tie
    is recorded and seen by both sides (``GET /api/v1/users/associated_users``), and lets nobody see a device: that
    needs a share.
    """
    role, key, value, email = read_association(await read_json(request))
    await associations.associate(user, RoleLabel(role, key, value), email)


@put(f"{_PATH}/disassociate_role_user", operation_class=describe_body(DisassociationRequest), tags=["roles"])
async def disassociate_role_user(
    request: Request[Any, Any, Any], user: Given[User], associations: Given[AssociationService]
) -> None:
    """End the caller's tie to a role and label; as administrator that of ``user_email``. 404 if there is none."""
    wanted = read_body(await read_json(request), DisassociationRequest)
    await associations.disassociate(user, wanted.role, wanted.label_key, wanted.user_email)


@put(f"{_PATH}/disassociate_user", operation_class=describe_body(DismissalRequest), tags=["roles"])
async def disassociate_user(
    request: Request[Any, Any, Any], user: Given[User], associations: Given[AssociationService]
) -> None:
    """End all ties of a user to the caller's role and labels; 404 if there are none."""
    await associations.dismiss(user, read_body(await read_json(request), DismissalRequest).user_email)


@get(f"{_PATH}/associated_users", tags=["roles"])
async def list_associated_users(user: Given[User], associations: Given[AssociationService]) -> list[AssociationReply]:
    """List the ties that the caller is on either side of; ``user`` is who is tied. A path of this server's own."""
    return show_associations(await associations.list_all(user))


@post(f"{_PATH}/create_associated_user", status_code=201, operation_class=describe_body(NewUser), tags=["roles"])
async def create_associated_user(
    request: Request[Any, Any, Any], user: Given[User], associations: Given[AssociationService]
) -> ProfileReply:
    """Make an end user who is tied to the caller's role and labels; a mail welcomes them.

    The caller has a role of the OEM and a label; 422 without a label, and for an email that is taken. Without
    ``password`` the new user asks for one. Unless the server believes every address, the user confirms theirs as one
    who signed up does.
    """
    fields = read_new_user(await read_json(request))
    person = read_person(fields, Person())
    return show_profile(await associations.create_user(user, fields.email, fields.password, person))


ROUTES = [
    associate_role_user,
    disassociate_role_user,
    disassociate_user,
    list_associated_users,
    create_associated_user,
]
