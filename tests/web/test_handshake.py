"""The opening handshake and the query of `/stream`, as pure functions; what is refused is in test_bad_requests."""

from __future__ import annotations

import pytest

from twinstream.errors import RequestError
from twinstream.web.handshake import StreamQuery, accept_handshake, encode_refusal, find_key, parse_stream_query

RFC_KEY = [(b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")]


def test_the_example_of_the_rfc() -> None:
    """The answer to the key in RFC 6455 section 1.3 is the one given there; no extension is accepted."""
    answer = accept_handshake(RFC_KEY, None)
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")
    assert b"Extensions" not in answer
    assert b"Protocol: " not in answer


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", StreamQuery("")),
        (b"stream_key=k", StreamQuery("k")),
        (b"stream_key=k&seq_start=0&seq_end=0", StreamQuery("k", 0, 0)),
        (b"stream_key=k&seq_start=007&x=1&x=2&&y", StreamQuery("k", 7)),
        (b"stream_key=k&seq_start=&seq_end=9", StreamQuery("k")),
        (b"stream_key=k&observe=1&on_gap=refuse", StreamQuery("k", observe=True, refuse_gap=True)),
        (b"stream_key=k&observe=0&on_gap=", StreamQuery("k")),
        (b"stream_key=%E2%82%AC+%0D", StreamQuery("\u20ac \r")),
    ],
)
def test_query(query: bytes, expected: StreamQuery) -> None:
    """Known parameters are read, others ignored, empty ones absent."""
    assert parse_stream_query(query) == expected


@pytest.mark.parametrize(
    ("headers", "query_key", "expected"),
    [
        ([], "", ("", None)),
        ([(b"authorization", b"Stream_Key abc ")], "", ("abc", None)),
        ([(b"authorization", b"auth_token abc")], "", ("", None)),
        ([(b"sec-websocket-protocol", b"x, dss.key.abc")], "", ("abc", "dss.key.abc")),
        ([(b"sec-websocket-protocol", b"dss"), (b"sec-websocket-protocol", b"dss.key.abc")], "", ("abc", "dss")),
        ([(b"authorization", b"stream_key abc")], "query", ("query", None)),
    ],
)
def test_key(headers: list[tuple[bytes, bytes]], query_key: str, expected: tuple[str, str | None]) -> None:
    """The key is in the query, or else in a header, or else in a subprotocol, of which one is selected."""
    assert find_key(headers, StreamQuery(query_key), allow_query=True) == expected


def test_refusal() -> None:
    """A refusal is a whole response: status, its length, the request's id, the end of the connection."""
    error = RequestError("too_many_sessions", retry_after_s=7)
    head, _, body = encode_refusal(error, "/stream", "r-1", [(b"x-more", b"y")]).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 429 Too Many Requests"
    assert {b"retry-after: 7", b"connection: close", b"x-request-id: r-1", b"x-more: y"} <= set(lines)
    assert b"content-length: %d" % len(body) in lines
    assert b'"code":"too_many_sessions"' in body
