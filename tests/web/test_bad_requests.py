"""Bad inputs before the upgrade: handshakes, queries and bodies, while a healthy subscriber misses nothing."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.web.bad_server import K
from tests.web.harness import KEY, SUSPENDED_KEY, Client, Harness, upgrade

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("healthy")]

# H: the request that opens a stream

HANDSHAKES: list[tuple[str, str | bytes, set[int], dict[str, str]]] = [
    ("H01 POST", upgrade(K).replace("GET", "POST", 1), {405}, {"allow": "DELETE, GET, HEAD, OPTIONS"}),
    ("H02 HTTP/1.0", upgrade(K, version="1.0"), {505}, {}),
    ("H03 no host", upgrade(K, Host=None), {400}, {}),
    ("H04 no upgrade", upgrade(K, Upgrade=None), {426}, {"upgrade": "websocket"}),
    ("H05 upgrade to h2c", upgrade(K, Upgrade="h2c"), {426}, {"upgrade": "websocket"}),
    ("H06 no connection", upgrade(K, Connection=None), {426}, {"upgrade": "websocket"}),
    ("H07 keep-alive, Upgrade", upgrade(K, Connection="keep-alive, Upgrade"), {101}, {}),
    ("H08 no key", upgrade(K, Sec_WebSocket_Key=None), {400}, {}),
    ("H09 key of 15 bytes", upgrade(K, Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAA"), {400}, {}),
    ("H10 key not base64", upgrade(K, Sec_WebSocket_Key="!!!!"), {400}, {}),
    ("H11 key twice", upgrade(K, X="y\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), {400}, {}),
    ("H12 version 8", upgrade(K, Sec_WebSocket_Version="8"), {426}, {"sec-websocket-version": "13"}),
    ("H13 no version", upgrade(K, Sec_WebSocket_Version=None), {426}, {"sec-websocket-version": "13"}),
    ("H14 version 13, 13", upgrade(K, Sec_WebSocket_Version="13, 13"), {426}, {}),
    ("H15 extension", upgrade(K, Sec_WebSocket_Extensions="x-made-up"), {101}, {"sec-websocket-extensions": ""}),
    ("H16 deflate", upgrade(K, Sec_WebSocket_Extensions="permessage-deflate; server_max_window_bits=99"), {101}, {}),
    ("H17 subprotocol", upgrade(K, Sec_WebSocket_Protocol="made-up"), {101}, {"sec-websocket-protocol": ""}),
    ("H18 long path", upgrade(K, path="/" + "x" * 9000), {414}, {}),
    ("H19 long header", upgrade(K, X="x" * 20_000), {431}, {}),
    ("H20 many headers", upgrade(K, X="\r\n".join(f"h{n}: x" for n in range(300))), {431}, {}),
    ("H21 line end in the key", upgrade("stream_key=%0d%0aX-Evil:%201"), {401}, {"x-evil": ""}),
    ("H22 NUL in the path", upgrade(K, path="/str\0eam"), {400}, {}),
    ("H23 bare LF", upgrade(K).replace("\r\n", "\n"), {400}, {}),
    ("H23 one bare LF", upgrade(K, X="a\nY: b"), {400}, {}),
    ("H24 folded header", upgrade(K, X="a\r\n b"), {400}, {}),
    ("H25 length and chunked", upgrade(K, Content_Length="3", Transfer_Encoding="chunked"), {400}, {}),
    ("H25 unknown coding", upgrade(K, Transfer_Encoding="xchunked"), {400}, {}),
    ("H25 two lengths", upgrade(K, X="y\r\nContent-Length: 3\r\nContent-Length: 4"), {400}, {}),
    ("H26 body", upgrade(K, Content_Length="3") + "abc", {400}, {}),
    ("H27 TLS hello", bytes.fromhex("16030100a5010000a10303") + bytes(160), {400}, {}),
    ("H28 random bytes", bytes(range(255, 0, -1)), {400}, {}),
    ("H29 absolute form", upgrade(K, path="http://evil/stream"), {400}, {}),
    ("H29 absolute form, ours", upgrade(K, path="http://127.0.0.1/stream"), {101}, {}),
    ("H30 non-ASCII header", upgrade(K, X="caf\xe9"), {101}, {}),
    ("H31 fragment", upgrade(K + "#x"), {400}, {}),
    ("H32 HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}, {}),
    ("H33 non-ASCII subprotocol", upgrade(K, Sec_WebSocket_Protocol="\xe9"), {101}, {}),
    ("H33 non-ASCII key protocol", upgrade("", Sec_WebSocket_Protocol="dss.key.\xe9"), {401}, {}),
    ("H34 control \\x0b", upgrade(K, X="a\x0bb"), {400}, {}),
    ("H34 control \\x1c", upgrade(K, X="a\x1cb"), {400}, {}),
    ("H34 \\x85", upgrade(K, X="a\x85b"), {101}, {}),
    ("H35 two hosts", upgrade(K, X="y\r\nHost: evil"), {400}, {}),
    ("H37 forwarded", upgrade(K, X_Forwarded_For="1.2.3.4"), {101}, {}),
    ("H38 key twice in the query", upgrade(f"{K}&{K}"), {400}, {}),
    ("H41 unknown key", upgrade("stream_key=" + "0" * 32), {401}, {}),
    ("H41 31 characters", upgrade(f"stream_key={KEY[:31]}"), {401}, {}),
    ("H41 33 characters", upgrade(f"stream_key={KEY}0"), {401}, {}),
    ("H41 upper case", upgrade(f"stream_key={KEY.upper()}"), {401}, {}),
    ("H41 other digits", upgrade("stream_key=" + "%D9%A3" * 32), {401}, {}),
    ("H41 empty", upgrade("stream_key="), {401}, {}),
    ("H41 no key", upgrade(""), {401}, {}),
    ("H42 suspended", upgrade(f"stream_key={SUSPENDED_KEY}"), {403}, {}),
    ("H43 doubled path", upgrade(K, path="/stream/stream"), {101}, {}),
    ("H43 slash", upgrade(K, path="/stream/"), {101}, {}),
    ("H43 suffix", upgrade(K, path="/stream.json"), {101}, {}),
    ("H43 unknown parameters", upgrade(f"{K}&a=1&a=2&b"), {101}, {}),
    ("another path", upgrade(K, path="/streams"), {404}, {}),
    ("a path of the API", upgrade(K, path="/healthz"), {200}, {}),
    ("Q01 seq_start empty", upgrade(f"{K}&seq_start="), {101}, {}),
    ("Q02 abc", upgrade(f"{K}&seq_start=abc"), {400}, {}),
    ("Q03 -1", upgrade(f"{K}&seq_start=-1"), {400}, {}),
    ("Q04 1.5", upgrade(f"{K}&seq_start=1.5"), {400}, {}),
    ("Q05 1_0", upgrade(f"{K}&seq_start=1_0"), {400}, {}),
    ("Q06 +5", upgrade(f"{K}&seq_start=+5"), {400}, {}),
    ("Q06 %2B5", upgrade(f"{K}&seq_start=%2B5"), {400}, {}),
    ("Q07 Arabic 3", upgrade(f"{K}&seq_start=%D9%A3"), {400}, {}),
    ("Q07 blanks", upgrade(f"{K}&seq_start=%207%20"), {400}, {}),
    ("Q08 the largest", upgrade(f"{K}&seq_start=9223372036854775807"), {101}, {}),
    ("Q08 one more", upgrade(f"{K}&seq_start=9223372036854775808"), {400}, {}),
    ("Q08 5,000 digits", upgrade(f"{K}&seq_start=" + "9" * 5000), {400}, {}),
    ("Q08 the largest, refused", upgrade(f"{K}&seq_start=9223372036854775807&on_gap=refuse"), {416}, {}),
    ("Q09 end before start", upgrade(f"{K}&seq_start=5&seq_end=4"), {400}, {}),
    ("Q09 bad end", upgrade(f"{K}&seq_start=5&seq_end=x"), {400}, {}),
    ("Q09 end without start", upgrade(f"{K}&seq_end=4"), {101}, {}),
    ("Q12 %zz", upgrade(f"{K}&x=%zz"), {400}, {}),
    ("Q12 overlong", upgrade(f"{K}&x=%c0%af"), {400}, {}),
    ("Q12 NUL", upgrade(f"{K}&x=%00"), {400}, {}),
    ("Q13 2,000 parameters", upgrade("&".join([K, *(f"{n:x}" for n in range(1500))])), {400}, {}),
    ("Q13 one 1,000 times", upgrade("&".join([K, *["x=1"] * 1000])), {400}, {}),
    ("observe=yes", upgrade(f"{K}&observe=yes"), {400}, {}),
    ("on_gap=maybe", upgrade(f"{K}&on_gap=maybe"), {400}, {}),
    (
        "R18 made-up verb",
        "BREW /stream HTTP/1.1\r\nHost: a\r\n\r\n",
        {405},
        {"allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
    ),
    ("R18 TRACE", "TRACE /stream HTTP/1.1\r\nHost: a\r\n\r\n", {405}, {}),
    ("R18 CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", {405}, {}),
    ("R18 override", "POST /apiv1/nowhere HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: GET\r\n\r\n", {404}, {}),
    ("R18 DELETE on a collection", "DELETE /apiv1/echo HTTP/1.1\r\nHost: a\r\n\r\n", {405}, {}),
    ("R19 dot segments", "GET /apiv1/../admin HTTP/1.1\r\nHost: a\r\n\r\n", {404}, {}),
    ("R19 double slash", "GET //apiv1/echo HTTP/1.1\r\nHost: a\r\n\r\n", {404}, {}),
    ("R19 escaped dots", "GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", {404}, {}),
    ("R19 suffix twice", "GET /apiv1/echo.json.json HTTP/1.1\r\nHost: a\r\n\r\n", {404}, {}),
    ("R19 4,000 segments", "GET " + "/a" * 4000 + " HTTP/1.1\r\nHost: a\r\n\r\n", {404, 414}, {}),
    ("bad host", "GET /healthz HTTP/1.1\r\nHost: a b/c\r\n\r\n", {400}, {}),
]


@pytest.mark.parametrize(
    ("request_bytes", "statuses", "headers"), [row[1:] for row in HANDSHAKES], ids=[row[0] for row in HANDSHAKES]
)
async def test_requests(
    bad_harness: Harness, request_bytes: str | bytes, statuses: set[int], headers: dict[str, str]
) -> None:
    """Each request gets its status, tells why, and shows no more than that."""
    client = await bad_harness.send(request_bytes)
    status, told, body = await client.read_response()
    assert status in statuses, (status, body)
    for name, value in headers.items():
        assert told.get(name, "") == value
    if status >= 400:
        content = json.loads(body)
        assert content["request_id"] == told["x-request-id"]
        assert b"Traceback" not in body
        assert len(body) < 1024
    if status in (400, 414, 431, 505):
        assert await client.read_eof() == b""
    await client.close()


async def test_gap_refusals_tell_what_there_is(bad_harness: Harness) -> None:
    """Q10: on_gap=refuse beyond head + 1 is 416, with the oldest number kept and the newest."""
    client = await bad_harness.send(upgrade(f"{K}&seq_start=999999&on_gap=refuse"))
    status, _, body = await client.read_response()
    assert (status, json.loads(body)["code"]) == (416, "seq_ahead")
    head = int(json.loads(body)["head"])
    assert json.loads(body)["oldest"] == "1"
    client = await bad_harness.send(upgrade(f"{K}&seq_start={head + 1}&on_gap=refuse"))
    assert (await client.read_response())[0] == 101
    bad_harness.append()
    assert json.loads((await client.read_text()).partition("|")[2])["seq"] == str(head + 1)


async def test_slow_head(bad_harness: Harness) -> None:
    """H39: a head that dribbles in is cut at the deadline with 408."""
    client = await bad_harness.send("GET /stream HTTP/1.1\r\n")
    started_s = time.monotonic()
    dribble = asyncio.ensure_future(_dribble(client, b"X-Slow: aaaaaaaaaaaaaaaaaaaaaaa"))
    assert (await client.read_response())[0] == 408
    assert time.monotonic() - started_s < 3
    dribble.cancel()


async def test_nothing_at_all(bad_harness: Harness) -> None:
    """A connection that sends nothing is closed at the deadline, without an answer."""
    client = await bad_harness.send(b"")
    assert await client.read_eof(3) == b""


@pytest.mark.parametrize("part", [b"GET /" + b"x" * 70_000, b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000])
async def test_a_head_without_end(bad_harness: Harness, part: bytes) -> None:
    """A head that never ends is refused when it is too long, not when the deadline comes."""
    client = await bad_harness.send(part)
    client.write(b"x" * 70_000)
    assert (await client.read_response())[0] in (414, 431)


async def test_half_a_request_then_eof(bad_harness: Harness) -> None:
    """Half a handshake and then the end is no more than a closed connection."""
    client = await bad_harness.send(upgrade(K)[:100], eof=True)
    assert await client.read_eof(3) in (b"",)


async def test_pipelined(bad_harness: Harness) -> None:
    """R20: of two requests at once, the second broken, the first is answered, then comes 400."""
    client = await bad_harness.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nBROKEN\r\n\r\n")
    assert (await client.read_response())[0] == 200
    assert (await client.read_response())[0] == 400
    assert await client.read_eof() == b""


async def test_upgrade_behind_a_request(bad_harness: Harness) -> None:
    """An upgrade that does not wait for the answer to the request ahead of it is refused, behind that answer."""
    client = await bad_harness.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" + upgrade(K))
    assert (await client.read_response())[0] == 200
    assert (await client.read_response())[0] == 400


async def test_upgrade_on_a_used_connection(bad_harness: Harness) -> None:
    """A connection that has had answers can become a stream."""
    client = await bad_harness.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.read_response())[0] == 200
    client.write(upgrade(K).encode())
    assert (await client.read_response())[0] == 101


# R: bodies

BODIES: list[tuple[str, str, bytes, int]] = [
    ("R01 not JSON", "", b"{", 400),
    ("R01 empty", "", b"", 400),
    ("R01 white space", "", b"   ", 400),
    ("R01 byte order mark", "", b"\xef\xbb\xbf{}", 400),
    ("R01 UTF-16", "", "{}".encode("utf-16"), 400),
    ("R02 content type", "Content-Type: text/xml\r\n", b"{}", 415),
    ("R02 gzip", "Content-Encoding: gzip\r\n", b"\x1f\x8b", 415),
    ("R03 too long", "", b" " * 20_001, 413),
    ("R04 deep", "", b"[" * 19_000, 400),
    ("R04 many keys", "", b"{" + b",".join(b'"%d":1' % n for n in range(2000)) + b"}", 201),
    ("R05 NaN", "", b"NaN", 422),
    ("R05 Infinity", "", b"Infinity", 422),
    ("R05 1e999", "", b"1e999", 422),
    ("R05 -0", "", b"-0", 201),
    ("R05 5,000 digits", "", b"9" * 5000, 422),
    ("R05 2^53+1", "", b"9007199254740993", 201),
    ("R06 duplicate keys", "", b'{"a":1,"a":2}', 400),
    ("R07 half a surrogate pair", "", b'"\\ud800"', 422),
    ("R07 NUL", "", b'"\\u0000"', 422),
]


@pytest.mark.parametrize(("more", "body", "status"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
async def test_bodies(bad_harness: Harness, more: str, body: bytes, status: int) -> None:
    """Each body gets its status, soon."""
    head = f"POST /apiv1/echo HTTP/1.1\r\nHost: a\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    client = await bad_harness.send(head.encode() + body)
    got, _, answer = await client.read_response()
    assert got == status, answer
    if body == b"9007199254740993":
        assert json.loads(answer) == {"body": 2**53 + 1}


async def test_body_announced_too_long(bad_harness: Harness) -> None:
    """R03: a Content-Length above the limit is 413 before anything of it is sent, and the connection closes."""
    client = await bad_harness.send("POST /apiv1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
    assert (await client.read_response())[0] == 413
    assert await client.read_eof() == b""


async def test_chunks_without_end(bad_harness: Harness) -> None:
    """R03: chunks that go beyond the limit are 413 there."""
    client = await bad_harness.send("POST /apiv1/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(30):
        client.write(b"400\r\n" + b" " * 1024 + b"\r\n")
    assert (await client.read_response())[0] == 413


async def test_slow_body(bad_harness: Harness) -> None:
    """R03: a body that does not come is 408 at its deadline."""
    client = await bad_harness.send("POST /apiv1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{")
    assert (await client.read_response())[0] == 408
    assert await client.read_eof() == b""


async def test_body_that_nobody_reads(bad_harness: Harness) -> None:
    """The connection of a request that is answered before its body has come is closed, not kept for the rest."""
    client = await bad_harness.send("POST /apiv1/nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{")
    assert (await client.read_response())[0] == 404
    assert await client.read_eof(3) == b""


async def test_client_leaves_during_a_post(bad_harness: Harness) -> None:
    """R21: a client that goes in the middle of its body gets nothing done."""
    client = await bad_harness.send("POST /apiv1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{")
    await client.close()


async def _dribble(client: Client, text: bytes) -> None:
    for byte in text:
        client.write(bytes([byte]))
        await asyncio.sleep(0.05)
