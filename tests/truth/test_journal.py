"""The truth file: what is written is read again, whatever the writer died of."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinstream.truth.journal import Sent, TruthError, TruthFile, read_truth

AT = "2026-11-21T05:00:00Z"


def write_run(path: Path) -> None:
    """A run of three datapoints: accepted, refused, and never answered."""
    with TruthFile(path, "test", 7, AT) as truth:
        truth.accept(truth.send("A", "A", "level", 20), "id-1")
        truth.refuse(truth.send("user", "A", "note", "a|Z\n"), 404)
        truth.send("A", "A", "level", 21.5)
        assert truth.counts == {"sent": 3, "accepted": 1, "refused": 1}


RUN = [
    Sent("A", "A", "level", 20, "id-1"),
    Sent("user", "A", "note", "a|Z\n", is_refused=True),
    Sent("A", "A", "level", 21.5),
]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Runs follow one another in one file; each numbers its datapoints from 1."""
    for _ in range(2):
        write_run(tmp_path / "t")
    assert read_truth(tmp_path / "t") == [*RUN, *RUN]


def test_a_line_is_in_the_file_before_the_call_returns(tmp_path: Path) -> None:
    """What is about to be sent can be read before it is sent, and so survives the writer."""
    with TruthFile(tmp_path / "t", "test", 7, AT) as truth:
        truth.send("A", "A", "level", 20)
        assert read_truth(tmp_path / "t") == [Sent("A", "A", "level", 20)]


def test_a_writer_may_die_within_any_line(tmp_path: Path) -> None:
    """Cut anywhere, the file tells what was written whole; and the next run is appended to it."""
    write_run(tmp_path / "t")
    content = (tmp_path / "t").read_bytes()
    first_run = content.index(b"\n") + 1
    for length in range(first_run, len(content)):
        (tmp_path / "t").write_bytes(content[:length])
        read = read_truth(tmp_path / "t")
        assert [one.value for one in read] == [one.value for one in RUN[: len(read)]]
        write_run(tmp_path / "t")
        assert read_truth(tmp_path / "t") == [*read, *RUN]


@pytest.mark.parametrize(
    "content",
    [
        b"no truth\n",
        b'{"truth":2}\n',
        b'{"n":1,"id":"x"}\n',
        b'{"truth":1}\n{"n":2,"by":"A","dsn":"A","property":"p","value":1}\n',
        b'{"truth":1}\nbroken\n{"n":1,"by":"A","dsn":"A","property":"p","value":1}\n',
        b'{"truth":1}\n{"n":1,"by":"A","dsn":"A","property":"p","value":1}\n{"n":1}\n',
    ],
)
def test_what_is_no_truth_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """With the line that is wrong, so that no other file is taken for one."""
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(TruthError, match=r"line [123]"):
        read_truth(tmp_path / "t")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With what writes one."""
    with pytest.raises(TruthError, match="simulate --truth"):
        read_truth(tmp_path / "t")


def test_without_a_file_it_only_counts() -> None:
    """A fleet without --truth has its summary all the same."""
    with TruthFile(None, "test", 7, AT) as truth:
        truth.accept(truth.send("A", "A", "level", 20), "id-1")
        truth.sync()
    assert truth.counts == {"sent": 1, "accepted": 1}
