"""Events into files of JSON lines, each exactly once.

Owns files, their rotation and the cursor in them; knows nothing of streams but their names.

The format. A stream has one *active* file, ``NAME.jsonl``, and behind it those that were rotated,
``NAME.FIRST-LAST.jsonl`` with the numbers of the first and the last event in it. A line is an event as it came, with
the stream's name put in front: ``{"stream":"freezers","seq":"13","metadata":{...},...}``. Lines are only ever appended,
in the order of the numbers. Therefore:

1. The cursor is the number in the last whole line of the active file; where that has none, LAST of the newest rotated
   one. Nothing else is kept, so events and cursor cannot come apart.
2. What follows the last line break is a batch that a crash has cut short: it is cut off before the next one is
   written, and its events come again. So does a last line with NUL bytes, which some file systems leave after a power
   cut.
3. A batch is one append, followed by fdatasync: when `write` returns, it survives a power cut. An append that fails is
   taken back.
4. Rotation renames the active file before a batch, between two lines; at any moment rule 1 finds the cursor.
5. Whoever writes holds a lock on the active file, and finds the cursor anew when it takes it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import msgspec

from twinstream.client import Event
from twinstream.collector.disk import judging, lock, quote_name, sync_folder, write_all
from twinstream.collector.sink import SinkError, SinkTakenError, go_on

DAY_S = 86_400
STEP_BYTES = 65_536
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}


class _Line(msgspec.Struct):
    """What matters of a line."""

    stream: str
    seq: str | int


class LinesSink:
    """A sink for ``jsonl:FILE`` (of one stream) or ``jsonl:FOLDER/`` (a file for each stream).

    ``?rotate=day`` begins a new file each day (UTC), ``?rotate=100MB`` at that size, ``?rotate=day,100MB`` at either.
    """

    def __init__(self, url: str, *, now: Callable[[], float] = time.time) -> None:
        """Make it, without touching the disk.

        Raises:
            SinkError: what stands behind the question mark cannot be.
        """
        path, _, query = url.removeprefix("jsonl:").partition("?")
        self._is_folder = path.endswith("/")
        self._path = Path(path)
        self._is_daily, self._limit_bytes = _read_options(query)
        self._now = now
        self._files: dict[str, _File] = {}
        self._known: dict[str, int | None] = {}

    def open(self) -> None:
        """See `sink.Sink.open`: makes the folder."""
        folder = self._path if self._is_folder else self._path.parent
        with judging(folder):
            folder.mkdir(parents=True, exist_ok=True)
        if self._path.is_dir() and not self._is_folder:
            raise SinkError(f"{self._path} is a folder; for a file for each stream in it, write {self._path}/")

    def cursor(self, stream: str) -> int | None:
        """See `sink.Sink.cursor`. It changes nothing."""
        active = self._active(stream)
        with judging(active):
            try:
                descriptor = os.open(active, os.O_RDONLY)
            except FileNotFoundError:
                last = None
            else:
                try:
                    _, last = _find_end(descriptor, active, stream)
                finally:
                    os.close(descriptor)
            self._known[stream] = last if last is not None else _find_rotated(active, stream)
        return self._known[stream]

    def cursors(self) -> dict[str, int]:
        """Return the cursor of every stream that is here; it changes nothing."""
        actives = [self._path]
        if self._is_folder:
            names = {path.name.partition(".")[0] for path in self._path.glob("*.jsonl")}
            actives = [self._path / f"{name}.jsonl" for name in sorted(names)]
        found = {}
        for active in actives:
            stream = _read_stream(active) if not self._is_folder else unquote(active.stem)
            if stream is not None and (seq := self.cursor(stream)) is not None:
                found[stream] = seq
        return found

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        """See `sink.Sink.write`."""
        active = self._active(stream)
        lines = _make_lines(stream, events)
        release()
        with judging(active):
            file = self._files.get(stream)
            if file is None or not file.is_at(active):  # Why: somebody may have moved it away
                if file is not None:
                    file.close()
                self._files[stream] = file = self._take(active, stream)
            if file.size_bytes and self._is_due(file, len(lines)):
                self._rotate(file, active, stream)
                self._files[stream] = file = self._take(active, stream)
            file.append(lines)
        self._known[stream] = events[-1].seq

    def close(self) -> None:
        """See `sink.Sink.close`."""
        while self._files:
            self._files.popitem()[1].close()

    def _active(self, stream: str) -> Path:
        return self._path / f"{quote_name(stream)}.jsonl" if self._is_folder else self._path

    def _take(self, active: Path, stream: str) -> _File:
        """Open the active file for writing, cut what a crash has left, and make sure that nobody has written since."""
        is_new = not active.exists()
        descriptor = os.open(active, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            lock(descriptor, active)
            end, last = _find_end(descriptor, active, stream)
            file = _File(descriptor, end)
            seq = last if last is not None else _find_rotated(active, stream)
            known = self._known[stream]
            if not file.is_at(active) or (seq != known and (last is not None or stream not in self._files)):
                raise SinkTakenError(
                    f"{active}: another collector writes the stream {stream!r}: it is at {seq}, this one was at "
                    f"{known}; end one of them"
                )
            status = os.fstat(descriptor)
            if end < status.st_size:
                os.ftruncate(descriptor, end)
                os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))  # Why: it tells the file's day
            if is_new:
                sync_folder(active.parent)
        except BaseException:
            os.close(descriptor)
            raise
        return file

    def _is_due(self, file: _File, size_bytes: int) -> bool:
        if self._limit_bytes is not None and file.size_bytes + size_bytes > self._limit_bytes:
            return True
        return self._is_daily and int(file.written_at_s() // DAY_S) < int(self._now() // DAY_S)

    def _rotate(self, file: _File, active: Path, stream: str) -> None:
        first, last = file.first_seq(), self._known[stream]
        os.rename(active, active.with_name(f"{active.stem}.{first:012}-{last:012}.jsonl"))
        sync_folder(active.parent)
        del self._files[stream]
        file.close()


@dataclass
class _File:
    """An active file that is ours."""

    descriptor: int
    size_bytes: int

    def append(self, lines: bytes) -> None:
        """Append lines, durably, or leave the file as it was."""
        try:
            write_all(self.descriptor, lines)
            os.fdatasync(self.descriptor)
        except OSError:
            os.ftruncate(self.descriptor, self.size_bytes)
            raise
        self.size_bytes += len(lines)

    def is_at(self, path: Path) -> bool:
        """Tell whether it still has that name."""
        try:
            return os.path.samestat(os.fstat(self.descriptor), os.stat(path))
        except FileNotFoundError:
            return False

    def first_seq(self) -> int:
        """Return the number in the first line."""
        end = length = 0
        while not end:
            length += STEP_BYTES
            end = os.pread(self.descriptor, length, 0).find(b"\n") + 1
        return int(msgspec.json.decode(os.pread(self.descriptor, end, 0), type=_Line).seq)

    def written_at_s(self) -> float:
        """Return when the last line was written."""
        return os.fstat(self.descriptor).st_mtime

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)


def _read_stream(active: Path) -> str | None:
    """Return the name of the stream in a file's first line."""
    with judging(active):
        try:
            with active.open("rb") as file:
                return msgspec.json.decode(file.readline(), type=_Line).stream
        except (FileNotFoundError, msgspec.DecodeError):
            return None


def _make_lines(stream: str, events: Sequence[Event]) -> bytes:
    """Write the batch; a line break can stand in JSON only between its parts, where a blank does as well."""
    head = b'{"stream":' + msgspec.json.encode(stream) + b","
    pieces: list[bytes] = []
    for event in events:
        text = event.text.strip().replace("\r", " ").replace("\n", " ").encode()
        pieces += (head, text[1:], b"\n")
    return b"".join(pieces)


def _find_end(descriptor: int, path: Path, stream: str) -> tuple[int, int | None]:
    """Find where the last whole line ends, and its number; None if there is no line.

    Raises:
        SinkError: the line is not one of ours, or of another stream.
    """
    end = os.fstat(descriptor).st_size
    while True:
        end = _find_break(descriptor, end)
        if end == 0:
            return 0, None
        begin = _find_break(descriptor, end - 1)
        line = os.pread(descriptor, end - begin, begin)
        try:
            found = msgspec.json.decode(line, type=_Line)
            seq = int(found.seq)
        except ValueError:
            if b"\0" in line:
                end = begin
                continue
            raise SinkError(f"{path}: its last line is none of this collector's; name another file") from None
        if found.stream != stream:
            raise SinkError(
                f"{path}: it holds the stream {found.stream!r}, not {stream!r}; name another file, or a folder: "
                f"jsonl:{path.parent}/"
            )
        return end, seq


def _find_break(descriptor: int, before: int) -> int:
    """Return the place behind the last line break before a place; 0 if there is none."""
    while before > 0:
        begin = max(0, before - STEP_BYTES)
        at = os.pread(descriptor, before - begin, begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        before = begin
    return 0


def _find_rotated(active: Path, stream: str) -> int | None:
    """Return the last number of the rotated files of an active one.

    Raises:
        SinkError: they are of another stream, which was written into a file of this name before.
    """
    pattern = re.compile(re.escape(active.stem) + r"\.(\d+)-(\d+)\.jsonl")
    if not active.parent.is_dir():
        return None
    found = [match for name in os.listdir(active.parent) if (match := pattern.fullmatch(name))]
    if not found:
        return None
    newest = max(found, key=lambda match: int(match[2]))
    path = active.with_name(newest[0])
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _find_end(descriptor, path, stream)
    finally:
        os.close(descriptor)
    return int(newest[2])


def _read_options(query: str) -> tuple[bool, int | None]:
    """Read what stands behind the question mark: whether a file is for a day, and how many bytes it may have."""
    is_daily, limit_bytes = False, None
    for name, words in parse_qsl(query, keep_blank_values=True):
        for word in words.split(","):
            size = re.fullmatch(r"([1-9][0-9]{0,11})([KMG]?B?)", word.upper())
            if name == "rotate" and word == "day":
                is_daily = True
            elif name == "rotate" and size is not None and size[2] in _UNITS:
                limit_bytes = int(size[1]) * _UNITS[size[2]]
            else:
                raise SinkError(f"{name}={word} cannot be; expected rotate=day, rotate=100MB or rotate=day,100MB")
    return is_daily, limit_bytes
