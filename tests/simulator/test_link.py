"""What a call's witness is told: every attempt, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import httpx
import pytest

from tests.simulator.clock import TestClock
from twinstream.simulator.link import Call, Link, RefusalError

_HEADERS = {"x": "y"}


class _Open:
    """A credential that needs no authentication."""

    attempts = 1

    @property
    def headers(self) -> Mapping[str, str]:
        return _HEADERS

    def ask(self) -> Call:
        raise AssertionError("nobody asked for it")

    def accept(self, answer: httpx.Response) -> None:
        raise AssertionError("nobody asked for it")


class _Clock(TestClock):
    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def call(*answers: int | Exception) -> list[int | str]:
    """Make one call that is answered so; answer what its witness was told, attempt by attempt."""
    told: list[int | str] = []
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        what = left.pop(0)
        if isinstance(what, Exception):
            raise what
        return httpx.Response(what, json={})

    def witness() -> Callable[[httpx.Response | None], None]:
        told.append("sending")
        return lambda given: told.append("not sent" if given is None else given.status_code)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://cloud") as client:
        link = Link(client, _Open(), _Clock(), Random(1))
        await link.call("POST", "/p", body={}, witness=witness)
    return told


async def test_every_attempt_is_told_before_and_after() -> None:
    """Overload and refused connections are answers, a lost answer is none."""
    told = await call(503, httpx.ConnectError("refused"), httpx.ReadError("lost"), 201)
    assert told == ["sending", 503, "sending", "not sent", "sending", "sending", 201]


async def test_a_refusal_is_told_too() -> None:
    """Before whoever called learns of it."""
    with pytest.raises(RefusalError):
        await call(404)
