"""Refresh tokens that nobody used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services import PASSWORD, open_services
from twinstream.errors import RequestError
from twinstream.service.lockout import Lockout
from twinstream.service.user import UserService


@pytest.mark.parametrize(("idle_s", "lives"), [(100.0, False), (0.0, True)])
async def test_an_idle_token_is_void_unless_the_operator_says_never(tmp_path: Path, idle_s: float, lives: bool) -> None:
    """Beyond the time it is refused, and removed; 0 keeps it for ever."""
    async with open_services(tmp_path / "folder") as services:
        parts = (services.store, services.clock, services.new_id, services.passwords, Lockout(services.clock))
        users = UserService(*parts, services.cache, idle_s=idle_s)
        await services.add_oem("aaaaaaaa")
        await services.add_user("aaaaaaaa", "ana@a.example")
        trio = await users.sign_in("ana@a.example", PASSWORD, None, "")
        services.clock.turn(1e9)
        assert await users.expire() == (0 if lives else 1)
        if lives:
            await users.refresh(trio.refresh_token)
        else:
            with pytest.raises(RequestError):
                await users.refresh(trio.refresh_token)
