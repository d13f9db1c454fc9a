"""Accounts: `/users`, `/users/password`, `/users/confirmation`, `/users/update_email`.

Success is 200 wherever the documentation names no other status; ``email_template_id`` in a query is ignored.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, delete, get, post, put
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.model.user import Profile
from twinstream.service.account import AccountService, Person
from twinstream.web.authentication import Given, read_access_token
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.account import (
    AccountChange,
    AddressRequest,
    Confirmation,
    EmailChange,
    PasswordReset,
    PersonFields,
    SignUp,
    read_account_change,
    read_address,
    read_confirmation,
    read_email_change,
    read_names,
    read_password_reset,
    read_profile,
    read_sign_up,
)
from twinstream.wire.user import ProfileReply, show_profile


@post("/users", status_code=201, operation_class=describe_body(SignUp), tags=["users"])
async def sign_up(request: Request[Any, Any, Any], accounts: Given[AccountService]) -> ProfileReply:
    """Make an account; unless the server believes every address, a token is mailed that confirms it.

    Until it is confirmed, signing in with the right password is 401 with the code ``unconfirmed``; after three days
    without, the account is gone. 404 for a wrong application; 422 for fields, also for an email that is taken.
    """
    fields = read_sign_up(await read_json(request))
    person = read_person(fields, Person())
    return show_profile(await accounts.sign_up(fields.application, fields.email, fields.password, person))


@put("/users", operation_class=describe_body(AccountChange), tags=["users"])
async def change_account(
    request: Request[Any, Any, Any], user: Given[User], accounts: Given[AccountService]
) -> ProfileReply:
    """Change the caller's profile, or the password (``current_password`` and ``password``).

    What the body leaves out stays. Another password signs out everybody but the caller, and deletes the caller's mobile
    subscriptions, whose sockets close; 422 for a wrong current one, which counts as a failed sign-in.
    """
    fields = read_account_change(await read_json(request))
    if fields.password is not None and fields.current_password is not None:
        source = request.client.host if request.client else ""
        token = read_access_token(request.scope["headers"])
        await accounts.change_password(user, token, fields.current_password, fields.password, source)
    return show_profile(await accounts.describe(user, lambda person: read_person(fields, person)))


@delete("/users", status_code=200, tags=["users"])
async def delete_account(user: Given[User], accounts: Given[AccountService]) -> dict[str, str]:
    """Delete the caller's account, with everything of it; devices lose their owner, streams end.

    409 for the only administrator of an OEM.
    """
    await accounts.delete(user)
    return {}


@put("/users/update_email", operation_class=describe_body(EmailChange), tags=["users"])
async def update_email(
    request: Request[Any, Any, Any], user: Given[User], accounts: Given[AccountService]
) -> dict[str, str]:
    """Give the caller another email, and sign the caller out.

    Unless the server believes every address, the new one counts once the token mailed to it is shown to
    ``PUT /users/confirmation``; until then the old one signs in. The old address is told.
    """
    await accounts.change_email(user, read_email_change(await read_json(request)))
    return {}


@post("/users/password", status_code=200, operation_class=describe_body(AddressRequest), tags=["users"])
async def ask_password(request: Request[Any, Any, Any], accounts: Given[AccountService]) -> dict[str, str]:
    """Mail a token that sets a new password, once, within six hours. The answer is the same for unknown addresses."""
    fields = read_address(await read_json(request))
    await accounts.ask_password(fields.application, fields.email)
    return {}


@put("/users/password", operation_class=describe_body(PasswordReset), tags=["users"])
async def reset_password(request: Request[Any, Any, Any], accounts: Given[AccountService]) -> dict[str, str]:
    """Set a new password with a token from a mail; it signs the user out everywhere. 422 for a token not in force."""
    await accounts.reset_password(*read_password_reset(await read_json(request)))
    return {}


@post("/users/confirmation", status_code=200, operation_class=describe_body(AddressRequest), tags=["users"])
async def resend_confirmation(request: Request[Any, Any, Any], accounts: Given[AccountService]) -> dict[str, str]:
    """Mail another confirmation token. The answer is the same for unknown and for confirmed addresses."""
    fields = read_address(await read_json(request))
    await accounts.resend_confirmation(fields.application, fields.email)
    return {}


@put("/users/confirmation", operation_class=describe_body(Confirmation), tags=["users"])
async def confirm_email(request: Request[Any, Any, Any], accounts: Given[AccountService]) -> ProfileReply:
    """Confirm an email with a token from a mail; 422 for a token that is unknown, used or older than three days."""
    return show_profile(await accounts.confirm(read_confirmation(await read_json(request))))


@get("/users/{uuid:str}", tags=["users"])
async def get_account(uuid: FromPath[str], user: Given[User], accounts: Given[AccountService]) -> ProfileReply:
    """Answer a user by uuid: oneself; with a role of the OEM, everybody of the OEM."""
    return show_profile(await accounts.get(user, uuid))


def read_person(fields: PersonFields, person: Person) -> Person:
    """Put what the fields tell in the place of what the person has told before."""
    profile: Profile = read_profile(fields)(person.profile)
    return msgspec.structs.replace(person, profile=profile, **read_names(fields))


ROUTES = [
    sign_up,
    change_account,
    delete_account,
    update_email,
    ask_password,
    reset_password,
    resend_confirmation,
    confirm_email,
    get_account,
]
