"""The server that bad inputs are tried on, and the healthy subscriber that misses nothing meanwhile.

The numbers are those of the list of bad inputs that the project keeps (H: handshake, F: frames, Q: query, R: requests).
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from litestar import get

from tests.web.harness import KEY, Harness, echo, serving
from twinstream.stream.limits import StreamLimits
from twinstream.web.body import BodyLimits

K = f"stream_key={KEY}"


@get("/apiv1/echo")
async def get_nothing() -> None:
    """Take no body."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bad_harness() -> AsyncIterator[Harness]:
    """The one server."""
    limits: dict[str, Any] = {
        "header_timeout_s": 0.4,
        "body_limits": BodyLimits(size_bytes=20_000, timeout_s=0.4),
        "linger_s": 0.2,
    }
    many = StreamLimits(sessions_per_subscription=1000)
    async with serving(stream_limits=many, routes=[echo, get_nothing], **limits) as harness:
        yield harness


@pytest_asyncio.fixture(loop_scope="module")
async def healthy(bad_harness: Harness, caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """A subscriber that is connected all the time; afterwards it has missed nothing, and no trace was logged."""
    client = await bad_harness.connect(f"{K}&observe=1")
    bad_harness.append()
    first = await client.read_text()
    yield
    bad_harness.append(3)
    before = int(json.loads(first.partition("|")[2])["seq"])
    for number in range(1, 4):
        assert json.loads((await client.read_text()).partition("|")[2])["seq"] == str(before + number)
    await client.close()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
