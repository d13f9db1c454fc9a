"""The signed-in user: `/users/get_user_profile`."""

from __future__ import annotations

from litestar import get

from twinstream.model.principal import User
from twinstream.service.user import UserService
from twinstream.web.authentication import Given
from twinstream.wire.user import ProfileReply, show_profile


@get("/users/get_user_profile", tags=["users"])
async def get_user_profile(user: Given[User], users: Given[UserService]) -> ProfileReply:
    """Answer the caller's own profile."""
    return show_profile(await users.get_profile(user))


ROUTES = [get_user_profile]
