"""The signed-in user: `/users/get_user_profile`."""

from __future__ import annotations

from typing import Any

from litestar import Request, get

from twinstream.service.user import UserService
from twinstream.web.authentication import Given, read_access_token
from twinstream.web.openapi import describe_body
from twinstream.web.query import read_query
from twinstream.wire.user import ProfileReply, show_profile


@get("/users/get_user_profile", operation_class=describe_body(caller="user"), tags=["users"])
async def get_user_profile(request: Request[Any, Any, Any], users: Given[UserService]) -> ProfileReply:
    """Answer the caller's own profile. Old clients show their token as ``access_token`` in the query, here alone."""
    token = None if "authorization" in request.headers else read_query(request, "access_token")
    user = await users.authenticate(token or read_access_token(request.scope["headers"]))
    return show_profile(await users.get_profile(user))


ROUTES = [get_user_profile]
