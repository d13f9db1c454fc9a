"""Recordings on disk: whole, torn, gone on with, and none at all."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recording.tapes import AT_S, HEADER, datapoint, read, tape, texts, write
from twinstream.client.state import Connected, Gap, Reconnecting, Resumed
from twinstream.exits import CommandError
from twinstream.recording.file import EventLine, Pseudonymised, Recording, append_to, create, describe, fingerprint

NAMES = ["day.jsonl", "day.jsonl.gz"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    """Header, events with their times, and states in their order."""
    path = tmp_path / name
    with create(path) as writer:
        writer.write_header(HEADER)
        writer.write_state(describe(AT_S, Connected(first=True)))
        writer.write_event(AT_S + 0.25, datapoint(7))
        writer.write_state(describe(AT_S, Reconnecting("connection lost", 0.5, 1)))
        writer.write_state(describe(AT_S, Resumed(7)))
        writer.write_state(describe(AT_S, Gap(8, 9)))
    recording = Recording(path)
    lines = list(recording.lines())
    assert recording.header == HEADER
    assert not recording.is_torn
    assert lines[1] == EventLine(AT_S + 0.25, 7, datapoint(7))
    states = [json.loads(line.text) for line in lines if not isinstance(line, EventLine)]
    assert states[0] == {"at": "2018-09-24T10:25:14.000000Z", "state": "connected", "first": True}
    assert states[1:] == [
        {"at": states[0]["at"], "state": "reconnecting", "reason": "connection lost", "wait_s": 0.5, "failures": 1},
        {"at": states[0]["at"], "state": "resumed", "after": 7},
        {"at": states[0]["at"], "state": "gap", "first": 8, "last": 9},
    ]


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """Events are private."""
    assert write(tmp_path / "a", []).stat().st_mode & 0o777 == 0o600
    with append_to(tmp_path / "b", HEADER):
        pass
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(JSON, max_size=6), is_ascii=st.booleans(), indent=st.sampled_from([None, 1]), data=st.data())
@pytest.mark.parametrize("name", NAMES)
def test_any_text_comes_back_to_the_last_character(
    tmp_path: Path, name: str, values: list[object], is_ascii: bool, indent: int | None, data: st.DataObject
) -> None:
    """Escapes, blanks and line breaks in an event's JSON stay as they were; so do they behind a torn end."""
    written = [
        json.dumps({"seq": str(seq), "v": value}, ensure_ascii=is_ascii, indent=indent)
        for seq, value in enumerate(values)
    ]
    written = [
        text for text in written if text.isascii() or "\\ud" not in text.encode("utf-8", "backslashreplace").decode()
    ]
    path = tmp_path / name
    path.unlink(missing_ok=True)
    with create(path) as writer:
        writer.write_header(HEADER)
        for text in written:
            writer.write_event(AT_S, text)
            writer.flush()
    assert texts(path) == written
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    with append_to(path, HEADER) as (writer, last_seq):
        kept = 0 if last_seq is None else last_seq + 1
        for text in written[kept:]:
            writer.write_event(AT_S, text)
    assert texts(path) == written
    assert not Recording(path).is_torn


@pytest.mark.parametrize("name", NAMES)
def test_a_torn_end_is_left_out_and_then_removed(tmp_path: Path, name: str) -> None:
    """What a crash left of the last line is no part of the recording, and in nobody's way."""
    path = write(tmp_path / name, tape(3))
    path.write_bytes(path.read_bytes()[:-12])
    recording = Recording(path)
    before = list(recording.lines())
    assert recording.is_torn
    assert len(before) < 3 or name.endswith(".gz")
    with append_to(path, HEADER) as (writer, last_seq):
        assert last_seq == len(before) if before else last_seq is None
        writer.write_event(AT_S, datapoint(9))
    assert read(path) == [*before, EventLine(AT_S, 9, datapoint(9))]
    assert [child.name for child in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_one_process_at_a_time_records_into_it(tmp_path: Path, name: str) -> None:
    """Also where the torn end of a compressed file had to be written anew."""
    path = write(tmp_path / name, tape(3))
    path.write_bytes(path.read_bytes()[:-12])
    with (
        append_to(path, HEADER),
        pytest.raises(CommandError, match="another process") as caught,
        append_to(path, HEADER),
    ):
        pass
    assert caught.value.exit_code == 75


@pytest.mark.parametrize("content", [b"hello", b"{}\n", b'{"seq":"1"}\n', b"\x1f\x8b\x08 no gzip at all", b"\0" * 50])
@pytest.mark.parametrize("name", NAMES)
def test_another_file_is_left_alone(tmp_path: Path, name: str, content: bytes) -> None:
    """What is no recording is neither read nor overwritten."""
    path = tmp_path / name
    path.write_bytes(content)
    for open_it in (lambda: Recording(path), lambda: append_to(path, HEADER).__enter__()):
        with pytest.raises(CommandError) as caught:
            open_it()
        assert caught.value.exit_code == 65
    assert path.read_bytes() == content
    with pytest.raises(CommandError, match="is there already"):
        create(path)


def test_another_stream_is_not_mixed_in(tmp_path: Path) -> None:
    """Another key, other pseudonyms or another version: the error says what to do."""
    path = write(tmp_path / "a", tape(1))
    other_key = msgspec.structs.replace(HEADER, key_fingerprint=fingerprint("k"))
    with pytest.raises(CommandError, match="holds another stream; name another file"), append_to(path, other_key):
        pass
    other_names = msgspec.structs.replace(HEADER, pseudonyms=Pseudonymised(("dsn",), "00000000"))
    with pytest.raises(CommandError, match="give the same --seed"), append_to(path, other_names):
        pass
    path.write_text('{"twinstream_recording":2,"began_at":"2018-09-24T10:25:14Z"}\n')
    with pytest.raises(CommandError, match="version 2; this reads 1"):
        Recording(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"nonsense", "line 3 is none of a recording"),
        (b'{"at":"yesterday","event":{"seq":"5"}}', "line 3 is none"),
        (b'{"at":"2018-09-24T10:25:14","event":{"seq":"5"}}', "line 3 is none"),
        (b'{"at":"2018-09-24T10:25:14Z","event":{"seq":"five"}}', "line 3 is none"),
        (b'{"at":"2018-09-24T10:25:14Z","event":{"seq":"1"}}', "line 3: event 1 after 1"),
        (b'{"at":"2018-09-24T10:25:14Z"}', "line 3 is none"),
        (b'{"at":"2018-09-24T10:25:14Z","event":{"seq":"5","v":"\xff"}}', "line 3 is none"),
    ],
)
def test_damage_is_told_with_its_line(tmp_path: Path, line: bytes, message: str) -> None:
    """A whole line that breaks the format is damage, not a torn end."""
    path = write(tmp_path / "a", tape(1))
    with path.open("ab") as file:
        file.write(line + b"\n" + b"{}\n")
    with pytest.raises(CommandError, match=message) as caught:
        read(path)
    assert caught.value.exit_code == 65


def test_a_flipped_bit_in_a_compressed_file_is_damage(tmp_path: Path) -> None:
    """The check sum of gzip tells."""
    path = write(tmp_path / "a.gz", tape(50))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CommandError, match=r"damaged|no recording"):
        read(path)


def test_a_compressed_file_is_one_that_others_can_read(tmp_path: Path) -> None:
    """Any gzip tool reads it, also where it was gone on with."""
    path = write(tmp_path / "a.gz", tape(2))
    with append_to(path, HEADER) as (writer, _):
        writer.write_event(AT_S, datapoint(3))
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert [json.loads(line)["event"]["seq"] for line in lines[1:]] == ["1", "2", "3"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """One to be written, with the exit code of the disk; one to be read, with that of a file that is none."""
    for open_it in (
        lambda: create(tmp_path / "no" / "a"),
        lambda: append_to(tmp_path / "no" / "a", HEADER).__enter__(),
    ):
        with pytest.raises(CommandError) as caught:
            open_it()
        assert caught.value.exit_code == 74
    with pytest.raises(CommandError) as caught:
        Recording(tmp_path / "missing")
    assert caught.value.exit_code == 65
    assert not os.listdir(tmp_path)
