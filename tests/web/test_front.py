"""The front door: what of uvicorn is relied on, beyond what the bad inputs show."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import Any

import pytest
import uvicorn
from litestar import get
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tests.web.harness import KEY, Client, Harness, echo, serving, until, upgrade


def test_uvicorn_is_the_pinned_one() -> None:
    """The parts of uvicorn that `web.front` and `web.listener` override or read are there."""
    for name in (
        "connection_made",
        "data_received",
        "connection_lost",
        "shutdown",
        "on_message_begin",
        "on_url",
        "on_header",
        "on_headers_complete",
        "on_response_complete",
        "_should_upgrade",
        "_get_upgrade",
        "_unset_keepalive_if_required",
    ):
        assert callable(getattr(HttpToolsProtocol, name)), name
    source = inspect.getsource(HttpToolsProtocol)
    for name in ("self.pipeline", "self.cycle", "self.url", "self.headers", "self.connections", "self.parser"):
        assert name in source, name
    assert "self.parser.should_upgrade() and self._should_upgrade()" in source
    for name in ("response_complete", "more_body", "keep_alive"):
        assert f"self.{name}" in inspect.getsource(RequestResponseCycle), name
    for name in ("startup", "capture_signals", "_serve"):
        assert callable(getattr(uvicorn.Server, name)), name


async def test_keep_alive_and_pipelining(harness: Harness) -> None:
    """Requests on one connection are answered in order, sent one by one or together."""
    request = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    client = await harness.send(request * 3)
    for _ in range(3):
        assert (await client.read_response())[0] == 200
    client.write(request.encode())
    assert (await client.read_response())[0] == 200


async def test_requests_sent_ahead_are_bounded() -> None:
    """Who sends very many requests without waiting for answers gets some, then 429, and costs bounded memory."""
    async with serving(pipelined=4) as strict:
        client = await strict.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
        (connection,) = await _wait_for_connections(strict)
        statuses = [(await client.read_response())[0] for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        assert await client.read_eof() == b""
        assert not connection.pipeline


async def test_a_client_that_reads_nothing_is_cut_without_a_trace(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    """At the end of the server an answer that nobody takes is no error of the server's."""
    client = await harness.send("GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 90)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    (connection,) = await _wait_for_connections(harness)
    await until(lambda: connection.flow.write_paused)
    await harness.http.stop(0.0)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_slow_reader_of_an_answer_is_cut() -> None:
    """A client that takes nothing of its answers is cut in time; one that takes them slowly gets them all."""
    async with serving(slow_reader_timeout_s=0.4) as strict:
        lazy = await _flood(strict)
        slow = await strict.send("GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 90)
        for _ in range(90):
            await asyncio.sleep(0.02)
            assert (await slow.read_response())[0] == 200
        assert len(strict.connections()) == 1
        assert not strict.http._server.server_state.tasks
        await lazy.close()


async def test_a_client_that_reads_nothing_does_not_use_up_the_grace() -> None:
    """At the end of the server a client that takes nothing is waited for shortly, however long the grace is."""
    async with serving(linger_s=0.2) as strict:
        await _flood(strict)
        async with asyncio.timeout(5):
            await strict.http.stop(60.0)


async def test_a_task_that_survives_its_connection_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    """What is cancelled at the end of the server is no error of the server's."""
    begun = asyncio.Event()

    @get("/apiv1/endless")
    async def wait_for_ever() -> None:
        begun.set()
        await asyncio.Event().wait()

    async with serving(routes=[wait_for_ever]) as harness:
        await harness.send("GET /apiv1/endless HTTP/1.1\r\nHost: a\r\n\r\n")
        await begun.wait()
        await harness.http.stop(0.0)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def _flood(harness: Harness) -> Client:
    """Ask for more than a connection holds, and read nothing."""
    client = await harness.send("GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 90)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    (connection,) = await _wait_for_connections(harness)
    await until(lambda: connection.flow.write_paused)
    return client


async def test_a_client_that_goes_before_its_answers_leaves_no_trace(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    """Pipelined requests whose client has gone end quietly."""
    client = await harness.send("GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 90)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    (connection,) = await _wait_for_connections(harness)
    await until(lambda: connection.flow.write_paused)
    client.writer.transport.abort()
    await until(lambda: not harness.connections() and not harness.http._server.server_state.tasks)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def _wait_for_connections(harness: Harness) -> list[Any]:
    await until(lambda: bool(harness.connections()))
    return harness.connections()


async def test_the_deadline_counts_for_every_head(harness: Harness) -> None:
    """A second head on a kept connection has its deadline too; between requests there is none but the idle time."""
    async with serving(header_timeout_s=0.2) as strict:
        client = await strict.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.read_response())[0] == 200
        client.write(b"GET /healthz HT")
        assert (await client.read_response())[0] == 408


async def test_http_1_0(harness: Harness) -> None:
    """An HTTP/1.0 request is answered, and its connection closed."""
    client = await harness.send("GET /healthz HTTP/1.0\r\n\r\n")
    assert (await client.read_response())[0] == 200
    assert await client.read_eof() == b""


async def test_after_an_upgrade_that_is_none(harness: Harness) -> None:
    """An upgrade to something else is answered as HTTP, what follows is not read as a request, and it ends there."""
    client = await harness.send(upgrade(path="/healthz") + "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.read_response())[0] == 200
    assert await client.read_eof() == b""


async def test_an_answer_survives_what_was_not_read(harness: Harness) -> None:
    """A refusal reaches a client that is still sending."""
    client = await harness.send("GET /x HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 200)
    client.write(b"x" * 100_000)
    assert (await client.read_response())[0] == 431


async def test_connections_do_not_stay(harness: Harness) -> None:
    """A connection that became a stream is counted once, and not at all when it is gone."""
    client = await harness.connect()
    assert len(harness.connections()) == 1
    await client.close()
    client = await harness.send("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert (await client.read_response())[0] == 200
    assert await client.read_eof() == b""
    assert harness.connections() == []


async def test_nothing_is_logged_of_the_query(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    """uvicorn's access log is off, and no warning of its own holds a target."""
    caplog.set_level(logging.DEBUG)
    for request in (upgrade(), f"GET /healthz?stream_key={KEY} HTTP/1.1\r\nHost: a\r\n\r\n", f"GET {KEY}"):
        client = await harness.send(request, eof=request.startswith("GET 0"))
        if request.endswith("\r\n\r\n"):
            await client.read_response()
        await client.close()
    assert KEY not in caplog.text


async def test_answers_without_a_body(harness: Harness) -> None:
    """The head of an answer that has no body goes out too: of HEAD, of 204, and of one that is closed behind."""
    for request, status in (
        ("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        (f"DELETE /stream?stream_key={KEY} HTTP/1.1\r\nHost: a\r\n\r\n", 204),
        ("HEAD /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
    ):
        client = await harness.send(request)
        assert (await client.read_head())[0] == status


async def test_continue(harness: Harness) -> None:
    """A client that waits for 100 Continue gets it."""
    async with serving(routes=[echo]) as echoing:
        client = await echoing.send(
            "POST /apiv1/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert (await client.read_head())[0] == 100
        client.write(b"{}")
        assert (await client.read_response())[0] == 201


async def test_a_pipelined_body_that_is_still_coming(harness: Harness) -> None:
    """The answer to a request does not end the connection while the body of the next is under way."""
    async with serving(routes=[echo]) as echoing:
        client = await echoing.send(
            "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nPOST /apiv1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{"
        )
        assert (await client.read_response())[0] == 200
        client.write(b"}")
        assert (await client.read_response())[0] == 201
