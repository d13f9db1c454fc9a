"""Frames in and out, against the `websockets` library and the cases of RFC 6455."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets import frames
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from twinstream.errors import Disconnect
from twinstream.wire.frame import (
    MAX_FRAGMENTS,
    MAX_MESSAGE_BYTES,
    NO_STATUS,
    PING,
    FrameReader,
    Message,
    Opcode,
    encode_close,
    encode_pong,
    encode_text,
)


def masked(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """Frame as a client does."""
    frame = frames.Frame(frames.Opcode(opcode), payload, fin=fin)
    return frame.serialize(mask=True)


def read(*chunks: bytes) -> list[Message]:
    """Feed chunks to a new reader."""
    reader = FrameReader()
    return [message for chunk in chunks for message in reader.feed(chunk)]


@given(st.lists(st.text(max_size=40), max_size=6), st.integers(1, 9))
def test_any_division_into_chunks(texts: list[str], size: int) -> None:
    """Messages come out whole and in order, however the bytes are cut."""
    sent = b"".join(masked(Opcode.TEXT, text.encode()) for text in texts)
    chunks = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert [message.payload.decode() for message in read(*chunks)] == texts


@given(st.binary(max_size=300), st.integers(0, 200))
def test_random_bytes_never_break_the_reader(noise: bytes, cut: int) -> None:
    """Whatever comes is a message, a refusal, or waited for."""
    close_code = None
    try:
        read(noise[:cut], noise[cut:])
    except Disconnect as refusal:
        close_code = refusal.close_code
    assert close_code in (None, 1002, 1007, 1009)


@given(st.binary(min_size=1, max_size=1))
def test_every_first_byte_agrees_with_the_library(first: bytes) -> None:
    """An empty masked frame is refused exactly when `websockets` refuses it."""

    library = ServerProtocol(state=OPEN)
    library.receive_data(first + b"\x80\0\0\0\0")
    try:
        reader = FrameReader()
        list(reader.feed(first + b"\x80\0\0\0\0"))
        refused = False
    except Disconnect:
        refused = True
    assert refused == (library.parser_exc is not None)


def test_fragments_and_control_frames_between() -> None:
    """A message may come in pieces, with pings among them and a character cut in two."""
    euro = "€".encode()
    got = read(
        masked(Opcode.TEXT, b"a" + euro[:1], fin=False),
        masked(Opcode.PING, b"?"),
        masked(Opcode.CONTINUATION, euro[1:], fin=False),
        masked(Opcode.CONTINUATION, b"z"),
    )
    assert got == [Message(Opcode.PING, b"?"), Message(Opcode.TEXT, b"a" + euro + b"z")]


def test_close_frames() -> None:
    """A close gives its code, or says that it has none."""
    assert read(masked(8, (1000).to_bytes(2, "big") + b"bye")) == [Message(Opcode.CLOSE, close_code=1000)]
    assert read(masked(8, (4999).to_bytes(2, "big"))) == [Message(Opcode.CLOSE, close_code=4999)]
    assert read(masked(8)) == [Message(Opcode.CLOSE, close_code=NO_STATUS)]


def test_binary_is_a_sign_of_life_only() -> None:
    """A binary message's payload is dropped."""
    assert read(masked(Opcode.BINARY, b"Z")) == [Message(Opcode.BINARY)]


@pytest.mark.parametrize(
    ("sent", "close_code"),
    [
        (b"\x81\x01Z", 1002),
        (b"\xc1\x81\0\0\0\0Z", 1002),
        (b"\xa1\x81\0\0\0\0Z", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (b"\x8b\x80\0\0\0\0", 1002),
        (b"\x89\xfe\x00\x7e", 1002),
        (b"\x09\x80\0\0\0\0", 1002),
        (masked(0, b"x"), 1002),
        (masked(1, b"x", fin=False) + masked(1, b"x"), 1002),
        (masked(1, b"\xff"), 1007),
        (masked(1, b"\xe2\x82", fin=False) + masked(0, b"x"), 1007),
        (masked(1, b"\xed\xa0\x80"), 1007),
        (b"\x81\xff\x80\0\0\0\0\0\0\0", 1002),
        (b"\x81\xff\0\0\x01\0\0\0\0\0", 1009),
        (b"\x81\xfe" + (MAX_MESSAGE_BYTES + 1).to_bytes(2, "big"), 1009),
        (b"\x81\xfe\x00\x05", 1002),
        (b"\x81\xff\0\0\0\0\0\0\xff\xff", 1002),
        (masked(8, b"\x03"), 1002),
        (masked(8, (1005).to_bytes(2, "big")), 1002),
        (masked(8, (1006).to_bytes(2, "big")), 1002),
        (masked(8, (1004).to_bytes(2, "big")), 1002),
        (masked(8, (999).to_bytes(2, "big")), 1002),
        (masked(8, (5000).to_bytes(2, "big")), 1002),
        (masked(8, (1000).to_bytes(2, "big") + b"\xff"), 1007),
        (masked(1, fin=False) + masked(0, fin=False) * MAX_FRAGMENTS, 1009),
        (masked(1, b"x" * 3000, fin=False) + masked(0, b"x" * 1097), 1009),
    ],
    ids=count(),  # the masks are by chance, the names of tests are not
)
def test_refusals(sent: bytes, close_code: int) -> None:
    """Each offence against RFC 6455, or against the sizes, has its close code."""
    with pytest.raises(Disconnect) as refused:
        read(sent)
    assert refused.value.close_code == close_code


def test_the_longest_message_passes() -> None:
    """A message of exactly the limit is taken."""
    assert len(read(masked(1, b"x" * MAX_MESSAGE_BYTES))[0].payload) == MAX_MESSAGE_BYTES


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_outbound_text(size: int) -> None:
    """Outbound text has the shortest length form and no mask."""
    payload = b"x" * size
    assert encode_text(payload) == frames.Frame(frames.TEXT, payload).serialize(mask=False)


def test_outbound_control() -> None:
    """Control frames are those of the library; a long reason is cut between characters."""
    assert frames.Frame(frames.PING, b"").serialize(mask=False) == PING
    assert encode_pong(b"hi") == frames.Frame(frames.PONG, b"hi").serialize(mask=False)
    assert encode_close(NO_STATUS) == frames.Frame(frames.CLOSE, b"").serialize(mask=False)
    cut = encode_close(4008, "€" * 60)
    assert cut[1] == 125
    assert cut[4:].decode() == "€" * 41


FRAMES = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 8, 9, 10]),
        st.one_of(
            st.binary(max_size=5),
            st.text(max_size=3).map(str.encode),
            st.sampled_from([1000, 1004, 1005, 1012, 2999, 3000]).map(lambda code: code.to_bytes(2, "big")),
        ),
        st.booleans(),
    ),
    max_size=6,
)


def is_utf8(payload: bytes) -> bool:
    """Tell whether the bytes are text by themselves."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(FRAMES)
def test_sequences_of_frames_agree_with_the_library(sent: list[tuple[int, bytes, bool]]) -> None:
    """Frames in any order end where `websockets` ends them, with the same code, and give the same messages before."""
    stream = b"".join(masked(opcode, payload, fin=fin or opcode >= Opcode.CLOSE) for opcode, payload, fin in sent)
    library = ServerProtocol(state=OPEN)
    library.receive_data(stream)
    expected = [event for event in library.events_received() if isinstance(event, frames.Frame)]
    got: list[Message] = []
    code = None
    try:
        for message in FrameReader().feed(stream):
            got.append(message)
            if message.opcode is Opcode.CLOSE:
                break
    except Disconnect as refusal:
        code = refusal.close_code
    if code == 1007 and not all(is_utf8(payload) for opcode, payload, _ in sent if opcode < Opcode.CLOSE):
        return  # text that is not UTF-8: the library leaves that to its user
    if "incomplete fragmented message" in str(library.parser_exc) and got[-1].opcode is Opcode.CLOSE:
        return  # a close in the middle of a message is a close to us
    assert (code is not None) == (library.parser_exc is not None)
    assert code is None or (library.close_sent is not None and code == library.close_sent.code)
    control = [int(frame.opcode) for frame in expected if frame.opcode >= Opcode.CLOSE]
    assert [int(message.opcode) for message in got if message.opcode >= Opcode.CLOSE] == control
    ended = [frame for frame in expected if frame.opcode < Opcode.CLOSE and frame.fin]
    assert len([message for message in got if message.opcode < Opcode.CLOSE]) == len(ended)
