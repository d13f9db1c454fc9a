"""Tokens that are replaced, and what becomes of an answer that holds none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from twinstream.client import Cloud, CloudError
from twinstream.client.resource import Tokens


@asynccontextmanager
async def portal() -> AsyncIterator[str]:
    """A proxy that lets nobody through, and answers a refresh with a page of its own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        status, body = (b"200 OK", b"<html>") if head.startswith(b"POST") else (b"401 Unauthorized", b"{}")
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body))
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_answer_that_holds_no_tokens_is_an_error_of_the_call() -> None:
    """The caller gets a `CloudError` and nothing else, and keeps the tokens that it had."""
    tokens = Tokens(access_token="a", refresh_token="r", expires_in=100)
    async with portal() as url, Cloud(url, tokens=tokens) as cloud:
        with pytest.raises(CloudError) as caught:
            await cloud.list_devices()
        assert caught.value.code == "unreadable"
        assert cloud.tokens == tokens
