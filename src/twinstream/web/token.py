"""Signing in, refreshing, signing out: `/users/sign_in`, `/users/refresh_token`, `/users/sign_out`.

Invariant: success is exactly 200; clients take any other 2xx for a failure.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, post

from twinstream.service.user import UserService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.token import (
    Refresh,
    SignIn,
    SignOut,
    TokenReply,
    read_refresh,
    read_sign_in,
    read_sign_out,
    show_tokens,
)


@post("/users/sign_in", status_code=200, operation_class=describe_body(SignIn), tags=["users"])
async def sign_in(request: Request[Any, Any, Any], users: Given[UserService]) -> TokenReply:
    """Sign in: 401 for a wrong email or password, 404 for a wrong application."""
    fields = read_sign_in(await read_json(request))
    source = request.client.host if request.client else ""
    return show_tokens(await users.sign_in(fields.email, fields.password, fields.application, source))


@post("/users/refresh_token", status_code=200, operation_class=describe_body(Refresh), tags=["users"])
async def refresh(request: Request[Any, Any, Any], users: Given[UserService]) -> TokenReply:
    """Replace both tokens; a refresh token that comes a second time revokes all that grew out of its sign-in.

    But a client that got no answer may ask again, within a minute and before the new access token is used: it gets
    another pair, and the one that it did not get is void.
    """
    return show_tokens(await users.refresh(read_refresh(await read_json(request))))


@post("/users/sign_out", status_code=200, operation_class=describe_body(SignOut), tags=["users"])
async def sign_out(request: Request[Any, Any, Any], users: Given[UserService]) -> dict[str, str]:
    """Sign out; also with a token that is not in force any more."""
    await users.sign_out(read_sign_out(await read_json(request)))
    return {}


ROUTES = [sign_in, refresh, sign_out]
