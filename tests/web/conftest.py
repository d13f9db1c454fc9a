"""What the tests of the web layer share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from tests.api import api
from tests.services import services
from tests.twins import scene, twins
from tests.web.bad_server import bad_harness, healthy
from tests.web.harness import Harness, serving
from tests.web.twin_api import twin_api

__all__ = ["api", "bad_harness", "healthy", "scene", "services", "twin_api", "twins"]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on the loop that the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    """A running server with default settings."""
    async with serving() as harness:
        yield harness
