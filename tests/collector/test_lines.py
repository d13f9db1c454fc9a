"""JSON lines: the file tells the cursor, whatever a crash has left of it."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.collector.events import datapoint, datapoints
from twinstream.client.event import decode_event
from twinstream.collector.lines import LinesSink
from twinstream.collector.sink import SinkAwayError, SinkError, SinkTakenError


def lines(path: Path) -> list[dict[str, Any]]:
    """What stands in a file, line by line."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def opened(path: Path | str, stream: str = "s", *, query: str = "", now_s: float = 0.0) -> LinesSink:
    """A sink whose cursor was asked for, as the runner does."""
    sink = LinesSink(f"jsonl:{path}{query}", now=lambda: now_s)
    sink.open()
    sink.cursor(stream)
    return sink


def test_a_line_is_the_event_as_it_came_behind_the_name_of_the_stream(tmp_path: Path) -> None:
    """Nothing of the event's text is changed but line breaks, which JSON has only between its parts."""
    event = datapoint(1, 'a|Z "\\u00e4" \n')
    pretty = decode_event('{\n  "seq": "2",\r\n  "metadata": {}\n}\n')
    sink = opened(tmp_path / "e.jsonl", 'the "first"')
    sink.write('the "first"', [event, pretty])
    sink.close()
    first, second = (tmp_path / "e.jsonl").read_text().splitlines()
    assert first == '{"stream":"the \\"first\\"",' + event.text[1:]
    assert json.loads(second) == {"stream": 'the "first"', "seq": "2", "metadata": {}}


def test_the_cursor_is_in_the_last_line(tmp_path: Path) -> None:
    """A new sink finds it in the file; where there is none it is None."""
    sink = opened(tmp_path / "e.jsonl")
    assert sink.cursor("s") is None
    sink.write("s", datapoints(range(5, 8)))
    assert sink.cursor("s") == 7
    sink.write("s", datapoints([8]))
    sink.close()
    assert opened(tmp_path / "e.jsonl").cursor("s") == 8
    assert [line["seq"] for line in lines(tmp_path / "e.jsonl")] == ["5", "6", "7", "8"]


@pytest.mark.parametrize("size", [10, 300_000])
def test_what_a_crash_has_cut_short_is_cut_off(tmp_path: Path, size: int) -> None:
    """At whatever byte: the whole lines stay, the rest comes again, and nothing is there twice."""
    whole = tmp_path / "whole.jsonl"
    sink = opened(whole)
    sink.write("s", [datapoint(seq, "x" * size) for seq in (1, 2, 3)])
    sink.close()
    content = whole.read_bytes()
    ends = [at + 1 for at, byte in enumerate(content) if byte == ord("\n")]
    for cut in sorted({0, 1, *ends, *(end - 1 for end in ends), *range(0, len(content), len(content) // 40)}):
        torn = tmp_path / f"{cut}.jsonl"
        torn.write_bytes(content[:cut])
        sink = opened(torn)
        cursor = sink.cursor("s")
        assert cursor == (sum(end <= cut for end in ends) or None)
        assert torn.stat().st_size == cut
        sink.write("s", [datapoint(seq, "x" * size) for seq in range((cursor or 0) + 1, 4)] or [datapoint(4)])
        sink.close()
        assert torn.read_bytes()[: len(content)] == content


def test_zeros_that_a_power_cut_has_left_are_cut_off(tmp_path: Path) -> None:
    """Some file systems make a file longer before its content is there."""
    path = tmp_path / "e.jsonl"
    sink = opened(path)
    sink.write("s", datapoints([1, 2]))
    sink.close()
    with path.open("ab") as file:
        file.write(b"\0" * 5000 + b'":1}\n' + b"\0" * 100)
    sink = opened(path)
    assert sink.cursor("s") == 2
    sink.write("s", datapoints([3]))
    sink.close()
    assert [line["seq"] for line in lines(path)] == ["1", "2", "3"]


def test_a_folder_has_a_file_for_each_stream(tmp_path: Path) -> None:
    """Names that no file can have are quoted, and no two streams share a file."""
    sink = LinesSink(f"jsonl:{tmp_path}/new/")
    sink.open()
    for number, name in enumerate(["a", "a.b", "a/b", "a:b"], 1):
        assert sink.cursor(name) is None
        sink.write(name, datapoints([number]))
    sink.close()
    assert sorted(os.listdir(tmp_path / "new")) == ["a%2Eb.jsonl", "a%2Fb.jsonl", "a%3Ab.jsonl", "a.jsonl"]
    again = LinesSink(f"jsonl:{tmp_path}/new/")
    assert [again.cursor(name) for name in ["a", "a.b", "a/b", "a:b"]] == [1, 2, 3, 4]


def test_a_file_of_another_stream_or_program_is_left_alone(tmp_path: Path) -> None:
    """The numbers of one stream mean nothing in another; the text says what to do."""
    path = tmp_path / "e.jsonl"
    sink = opened(path)
    sink.write("s", datapoints([1]))
    sink.close()
    with pytest.raises(SinkError, match=r"holds the stream 's', not 'other'; name another file, or a folder"):
        opened(path, "other")
    path.write_text("hello\n")
    with pytest.raises(SinkError, match="its last line is none of this collector's"):
        opened(path)
    with pytest.raises(SinkError, match="is a folder; for a file for each stream in it, write"):
        opened(tmp_path)
    assert path.read_text() == "hello\n"


def test_only_one_writes_a_file(tmp_path: Path) -> None:
    """Whoever comes second is told, whether the first is still there or not."""
    path = tmp_path / "e.jsonl"
    first, second, third = (opened(path) for _ in range(3))
    first.write("s", datapoints([1]))
    with pytest.raises(SinkTakenError, match="another collector writes this"):
        second.write("s", datapoints([1]))
    first.close()
    with pytest.raises(SinkTakenError, match="it is at 1, this one was at None"):
        third.write("s", datapoints([1]))
    assert len(lines(path)) == 1


def test_a_file_is_rotated_before_it_would_be_too_long(tmp_path: Path) -> None:
    """The names of rotated files say what is in them; the cursor outlives each of them but the newest."""
    path = tmp_path / "e.jsonl"
    sink = opened(path, query="?rotate=1KB")
    for seq in range(1, 12, 2):
        sink.write("s", datapoints([seq, seq + 1]))
    sink.close()
    names = sorted(os.listdir(tmp_path))
    assert names[:2] == ["e.000000000001-000000000002.jsonl", "e.000000000003-000000000004.jsonl"]
    assert names[-1] == "e.jsonl"
    assert [line["seq"] for name in names for line in lines(tmp_path / name)] == [str(seq) for seq in range(1, 13)]
    path.write_bytes(b'{"stream":"s","se')
    sink = opened(path, query="?rotate=1KB")
    assert sink.cursor("s") == 10
    sink.write("s", datapoints([11]))
    sink.close()
    path.unlink()
    assert opened(path).cursor("s") == 10


def test_rotated_files_of_another_stream_are_no_place_to_begin(tmp_path: Path) -> None:
    """Also where the file that was written is gone, and of another program's files that are called alike."""
    sink = opened(tmp_path / "e.jsonl", query="?rotate=1KB")
    for seq in (1, 2, 3):
        sink.write("s", [datapoint(seq, "x" * 600)])
    sink.close()
    (tmp_path / "e.jsonl").unlink()
    assert opened(tmp_path / "e.jsonl").cursor("s") == 2
    for name in ("e.jsonl", "e.json"):
        with pytest.raises(SinkError, match="it holds the stream 's', not 'other'"):
            opened(tmp_path / name, "other")
    (tmp_path / "e.000000000001-000000000009.jsonl").write_text('{"user":"me"}\n')
    with pytest.raises(SinkError, match="none of this collector's"):
        opened(tmp_path / "e.jsonl")


def test_a_file_is_for_one_day(tmp_path: Path) -> None:
    """The first batch of another day (UTC) begins a new file, also after a restart."""
    path = tmp_path / "e.jsonl"
    day_s = 86_400
    for seq, now_s in ((1, day_s - 5), (2, day_s - 1), (3, day_s + 1)):
        sink = opened(path, query="?rotate=day", now_s=now_s)
        sink.write("s", datapoints([seq]))
        sink.close()
        os.utime(path, (now_s, now_s))
    assert sorted(os.listdir(tmp_path)) == ["e.000000000001-000000000002.jsonl", "e.jsonl"]


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    """As other programs rotate; nothing more goes into the old one."""
    path = tmp_path / "e.jsonl"
    sink = opened(path)
    sink.write("s", datapoints([1]))
    path.rename(tmp_path / "old")
    sink.write("s", datapoints([2]))
    path.unlink()
    sink.write("s", datapoints([3]))
    sink.close()
    assert [line["seq"] for line in lines(tmp_path / "old") + lines(path)] == ["1", "3"]


def test_a_full_disk_is_waited_for_and_nothing_of_the_batch_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same batch again is whole, and there once."""
    path = tmp_path / "e.jsonl"
    sink = opened(path)
    sink.write("s", datapoints([1]))
    size = path.stat().st_size
    write = os.write

    def write_some(descriptor: int, content: memoryview) -> int:
        if len(content) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, content[:99])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_some)
        with pytest.raises(SinkAwayError, match="make room") as caught:
            sink.write("s", datapoints([2, 3]))
    assert caught.value.is_full
    assert path.stat().st_size == size
    sink.write("s", datapoints([2, 3]))
    sink.close()
    assert [line["seq"] for line in lines(path)] == ["1", "2", "3"]


@pytest.mark.parametrize("query", ["?rotate=week", "?rotate=0", "?rotate=5TB", "?keep=3", "?rotate"])
def test_an_option_that_is_none_is_refused(query: str) -> None:
    """With what may stand there."""
    with pytest.raises(SinkError, match="expected rotate=day, rotate=100MB or rotate=day,100MB"):
        LinesSink("jsonl:e.jsonl" + query)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With its path and the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match=r"file: (File exists|Not a directory)"):
        opened(tmp_path / "file" / "e.jsonl")
