"""Bad inputs after the upgrade: frames, while a healthy subscriber misses nothing."""

from __future__ import annotations

import struct

import pytest

from tests.web.bad_server import K
from tests.web.harness import Harness, frame, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("healthy")]

FRAMES: list[tuple[str, bytes, set[int]]] = [
    ("F01 unmasked", b"\x81\x01Z", {1002}),
    ("F02 RSV1", b"\xc1\x81\0\0\0\0Z", {1002}),
    ("F03 RSV2", b"\xa1\x81\0\0\0\0Z", {1002}),
    ("F04 opcode 3", frame(3), {1002}),
    ("F05 opcode 11", frame(11), {1002}),
    ("F06 long ping", b"\x89\xfe\x00\x7e" + bytes(130), {1002}),
    ("F07 fragmented ping", frame(9, fin=False), {1002}),
    ("F08 continuation first", frame(0), {1002}),
    ("F09 text inside a message", frame(1, b"a", fin=False) + frame(1, b"b"), {1002}),
    ("F10 bad UTF-8", frame(1, b"\xff"), {1007}),
    ("F11 bad UTF-8 in two", frame(1, b"\xe2\x82", fin=False) + frame(0, b"a"), {1007}),
    ("F12 surrogate", frame(1, b"\xed\xa0\x80"), {1007}),
    ("F13 2^63", b"\x81\xff\x80" + bytes(7), {1002}),
    ("F14 2^40", b"\x81\xff\0\0\x01" + bytes(5), {1009}),
    ("F15 above the limit", frame(1, b"x" * 4097), {1009}),
    ("F15 10 MB", b"\x81\xff" + struct.pack("!Q", 10_000_000) + bytes(60_000), {1009}),
    ("F16 length not minimal", b"\x81\xfe\x00\x01\0\0\0\0Z", {1002}),
    ("F17 close of one byte", frame(8, b"\x03"), {1002}),
    ("F18 close 1005", frame(8, struct.pack("!H", 1005)), {1002}),
    ("F19 close 1006", frame(8, struct.pack("!H", 1006)), {1002}),
    ("F20 close 999", frame(8, struct.pack("!H", 999)), {1002}),
    ("F21 close 5000", frame(8, struct.pack("!H", 5000)), {1002}),
    ("F22 bad reason", frame(8, struct.pack("!H", 1000) + b"\xff"), {1007}),
    ("F23 empty close", frame(8), {1005}),
    ("F24 close 1000", frame(8, struct.pack("!H", 1000)), {1000}),
    ("F25 data after the close", frame(8, struct.pack("!H", 1000)) + frame(1, b"Z") * 9, {1000}),
    ("F26 10,000 pings", frame(9, b"x") * 10_000, {4429}),
    ("F28 10,000 empty fragments", frame(1, fin=False) + frame(0, fin=False) * 10_000, {1009, 1002}),
    ("F33 1 MB of Z", frame(1, b"Z") * 140_000, {4429}),
]


@pytest.mark.parametrize(("sent", "codes"), [row[1:] for row in FRAMES], ids=[row[0] for row in FRAMES])
async def test_frames(bad_harness: Harness, sent: bytes, codes: set[int]) -> None:
    """Each offence gets its close code, and then the connection ends."""
    client = await bad_harness.connect(f"{K}&observe=1")
    client.write(sent)
    assert await client.read_close() in codes
    assert await client.read_eof() == b""


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(frame(10, b"unasked"), id="F27 unsolicited pong"),
        pytest.param(frame(1, b"Z") + frame(1, b"1|Z"), id="F31 answers"),
        pytest.param(frame(1, b"z") + frame(1, b"") + frame(1, b"1|X"), id="F31 other short texts"),
        pytest.param(frame(1, b'{"stream_key":"x"}') + frame(1, b"x" * 4096), id="F31 JSON, 4 KiB"),
        pytest.param(frame(2, b"Z") + frame(2, b"\xff\xfe"), id="F32 binary"),
    ],
)
async def test_ignored_frames(bad_harness: Harness, sent: bytes) -> None:
    """What is only a sign of life is never answered, and the stream goes on."""
    client = await bad_harness.connect(f"{K}&observe=1")
    client.write(sent)
    client.write(frame(9, b"done"))
    assert await client.read_frame() == (10, b"done")
    bad_harness.append()
    assert '"value":"x"' in await client.read_text()


async def test_half_a_frame_then_eof(bad_harness: Harness) -> None:
    """F29: half a frame and then the end frees the session at once."""
    before = len(bad_harness.hub.sessions())
    client = await bad_harness.connect(f"{K}&observe=1")
    client.write(frame(1, b"Z")[:4])
    client.writer.write_eof()
    await client.read_eof()
    await until(lambda: len(bad_harness.hub.sessions()) == before)


async def test_clients_that_just_go(bad_harness: Harness) -> None:
    """F35: connections that end without a close frame leave nothing behind."""
    before = len(bad_harness.hub.sessions())
    for _ in range(100):
        await (await bad_harness.connect(f"{K}&observe=1")).close()
    await until(lambda: len(bad_harness.hub.sessions()) == before)
