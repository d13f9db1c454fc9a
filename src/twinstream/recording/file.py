"""A recording on disk.

Format, version 1: UTF-8, one JSON object per line, each line ended by a line feed. If the file's name ends with ``.gz``
it is compressed, in any number of gzip members.

1. The first line is the header: ``{"twinstream_recording":1,"began_at":TIME,"stream":URL,"key_fingerprint":HEX,
   "pseudonyms":null}``. The URL is without the key; of the key there is a part of its SHA-256. ``pseudonyms`` says
   which kinds were replaced, in which case URL and fingerprint are null.
2. Each other line has ``at``, the UTC time of arrival in microseconds, and one of:
   ``event``: the event's JSON object, character by character as it came;
   ``text``: the same as a JSON string, for an event whose text holds a line break;
   ``state``: ``connected``, ``reconnecting``, ``resumed`` or ``gap``, with the fields of that state.

Valid is a file in which (V1) the header is whole, (V2) every line is, and (V3) the numbers of its events go up.
What a crash may leave is allowed at the end: a line without its line feed, or a gzip member without its end. It is no
part of the recording, and `append_to` removes it. Why that is safe: the number behind the last whole event is where
the next socket begins, so what was torn comes again.
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from twinstream.client.state import Connected, Gap, Reconnecting, Resumed, State
from twinstream.exits import EX_DATAERR, EX_IOERR, EX_TEMPFAIL, EX_USAGE, CommandError

VERSION = 1
_MAGIC = b'{"twinstream_recording":'


class Pseudonymised(msgspec.Struct, frozen=True):
    """Which kinds were replaced. ``check`` tells two seeds apart without telling either."""

    kinds: tuple[str, ...]
    check: str


class Header(msgspec.Struct, frozen=True):
    """The first line."""

    twinstream_recording: int
    began_at: str
    stream: str | None = None
    key_fingerprint: str | None = None
    pseudonyms: Pseudonymised | None = None


class EventLine(msgspec.Struct, frozen=True):
    """An event: when it arrived (seconds since 1970), its number, and its JSON object exactly as it came."""

    at_s: float
    seq: int
    text: str


class StateLine(msgspec.Struct, frozen=True):
    """What happened to the stream: when (seconds since 1970), and the line as it stands in the file."""

    at_s: float
    text: str


Line = EventLine | StateLine


class Recording:
    """A file that is read: its header, and its lines as often as one likes. ``is_torn`` once its end is reached."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_torn = False
        self.whole_bytes = 0
        """Length of the whole lines (uncompressed) up to where was read."""
        self.header = self._read_header()

    def lines(self) -> Iterator[Line]:
        """Read from the first line behind the header to the last whole one.

        Raises:
            CommandError: 65, a line breaks the format; the text says which. 65 or 74, the file cannot be read.
        """
        last_seq = -1
        for number, raw in enumerate(self.raw_lines(), 1):
            if number == 1:
                continue
            line = self._read_line(raw, number)
            if isinstance(line, EventLine):
                if line.seq <= last_seq:
                    raise self._damaged(f"line {number}: event {line.seq} after {last_seq}")
                last_seq = line.seq
            yield line

    def _read_header(self) -> Header:
        first = next(self.raw_lines(), None)
        try:
            header = msgspec.json.decode(first or b"", type=Header)
        except msgspec.DecodeError:
            raise CommandError(EX_DATAERR, f"{self.path}: is no recording of twinstream") from None
        if header.twinstream_recording != VERSION:
            found = header.twinstream_recording
            raise CommandError(EX_DATAERR, f"{self.path}: is a recording of version {found}; this reads {VERSION}")
        return header

    def raw_lines(self) -> Iterator[bytes]:
        """Read the whole lines as they stand there, the header's too. Raises CommandError: 65 or 74."""
        self.is_torn, self.whole_bytes = False, 0
        try:
            with _open(self.path, "rb") as file:
                for line in file:
                    if not line.endswith(b"\n"):
                        self.is_torn = True
                        return
                    self.whole_bytes += len(line)
                    yield line
        except EOFError:
            self.is_torn = True
        except (zlib.error, gzip.BadGzipFile):
            raise self._damaged(f"behind byte {self.whole_bytes} of its text") from None
        except OSError as error:
            exit_code = EX_IOERR if error.errno == errno.EIO else EX_DATAERR
            raise CommandError(exit_code, f"{self.path}: cannot be read: {error.strerror}") from None

    def _read_line(self, raw: bytes, number: int) -> Line:
        try:
            shape = _decode(raw)
            at_s = read_time(shape.at)
            if shape.state is not None:
                return StateLine(at_s, raw.decode().rstrip("\n"))
            text = shape.text if shape.text is not None else bytes(shape.event).decode()
            return EventLine(at_s, int(msgspec.json.decode(text, type=_Numbered).seq), text)
        except ValueError:  # of which all errors of msgspec and of decoding are one
            raise self._damaged(f"line {number} is none of a recording") from None

    def _damaged(self, where: str) -> CommandError:
        return CommandError(EX_DATAERR, f"{self.path}: is damaged: {where}")


class Writer:
    """A file that grows. Use it as a context; `flush` bounds what a crash can take of it."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write_header(self, header: Header) -> None:
        """Write the first line."""
        self._write(msgspec.json.encode(header))

    def write_event(self, at_s: float, text: str) -> None:
        """Write an event. Raises CommandError: 74, the disk takes no more."""
        at = write_time(at_s).encode()
        if "\n" in text or "\r" in text:
            self._write(b'{"at":"%b","text":%b}' % (at, msgspec.json.encode(text)))
        else:
            self._write(b'{"at":"%b","event":%b}' % (at, text.encode()))

    def write_state(self, line: StateLine) -> None:
        """Write what happened to the stream. Raises CommandError: 74, the disk takes no more."""
        self._write(line.text.encode())

    def flush(self) -> None:
        """Give all that was written to the operating system. Raises CommandError: 74, the disk takes no more."""
        try:
            self._file.flush()
        except OSError as error:
            raise self._cannot(error) from None

    def _write(self, line: bytes) -> None:
        try:
            self._file.write(line + b"\n")
        except OSError as error:
            raise self._cannot(error) from None

    def _cannot(self, error: OSError) -> CommandError:
        return CommandError(EX_IOERR, f"{self._path}: cannot be written: {error.strerror}")


@contextmanager
def append_to(path: Path, header: Header) -> Iterator[tuple[Writer, int | None]]:
    """Open a recording to go on with, or begin one; answer the writer and the number of its last event.

    The file is locked meanwhile, and readable by its owner alone, since events are private.

    Raises:
        CommandError: 64, it is of another stream, or of other pseudonyms. 65, it is there and no recording, or damaged.
            74, it cannot be opened. 75, another process is recording into it.
    """
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CommandError(EX_IOERR, f"{path}: cannot be opened: {error.strerror}") from None
    locks = [lock]
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        last_seq, is_new = _prepare(path, locks, header)
        with Writer(path, _open(path, "ab")) as writer:
            if is_new:
                writer.write_header(header)
                writer.flush()
            yield writer, last_seq
    except BlockingIOError:
        raise CommandError(EX_TEMPFAIL, f"{path}: another process is recording into it") from None
    finally:
        for lock in locks:
            os.close(lock)


def create(path: Path) -> Writer:
    """Begin a recording where no file is.

    Raises:
        CommandError: 64, a file is there. 74, it cannot be created.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise CommandError(EX_USAGE, f"{path}: is there already; name another file") from None
    except OSError as error:
        raise CommandError(EX_IOERR, f"{path}: cannot be created: {error.strerror}") from None
    return Writer(path, _open(path, "ab"))


def describe(at_s: float, state: State) -> StateLine:
    """Return the line that tells what happened to a stream."""
    fields = {"at": write_time(at_s), "state": _STATES[type(state)], **msgspec.structs.asdict(state)}
    return StateLine(at_s, msgspec.json.encode(fields).decode())


def fingerprint(stream_key: str) -> str:
    """Return what tells two keys apart and leads to neither: 64 bits of the SHA-256 of 128 random ones."""
    return hashlib.sha256(stream_key.encode()).hexdigest()[:16]


def read_time(text: str) -> float:
    """Read a time as seconds since 1970. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.timestamp()


def write_time(at_s: float) -> str:
    """Write seconds since 1970 as UTC, in microseconds."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _prepare(path: Path, locks: list[int], header: Header) -> tuple[int | None, bool]:
    """Look whether a file can be gone on with, and remove a torn end; answer the last number, and whether it is new."""
    if os.fstat(locks[0]).st_size == 0 or _is_torn_header(path):
        os.truncate(path, 0)
        return None, True
    recording = Recording(path)
    found = recording.header
    if found.pseudonyms != header.pseudonyms:
        raise CommandError(EX_USAGE, f"{path}: was recorded with other pseudonyms; give the same --seed and kinds")
    if found.key_fingerprint != header.key_fingerprint:
        raise CommandError(EX_USAGE, f"{path}: holds another stream; name another file")
    last_seq = None
    for line in recording.lines():
        last_seq = line.seq if isinstance(line, EventLine) else last_seq
    if recording.is_torn:
        if _is_compressed(path):
            locks.append(_rewrite(path, recording))
        else:
            os.truncate(path, recording.whole_bytes)
    return last_seq, False


def _is_torn_header(path: Path) -> bool:
    """Tell whether a crash left less than the header's line, and nothing that is somebody else's."""
    with path.open("rb") as file:
        begin = file.read(4096)
    if _is_compressed(path):
        try:
            begin = zlib.decompressobj(wbits=31).decompress(begin)
        except zlib.error:
            return False
        return b"\n" not in begin and (begin.startswith(_MAGIC) or _MAGIC.startswith(begin))
    return b"\n" not in begin and (begin.startswith(_MAGIC) or _MAGIC.startswith(begin))


def _rewrite(path: Path, recording: Recording) -> int:
    """Replace a compressed file, whose last member is torn, by one that holds its whole lines; answer its lock.

    Why not truncate: where a line ends among compressed bytes is not known.
    """
    beside = path.with_name(path.name + ".new")
    lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with gzip.open(beside, "wb") as file:
        for line in recording.raw_lines():
            file.write(line)
    os.fsync(lock)
    beside.replace(path)
    return lock


def _is_compressed(path: Path) -> bool:
    return path.suffix == ".gz"


def _open(path: Path, mode: str) -> IO[bytes]:
    opener: Any = gzip.open if _is_compressed(path) else open
    opened: IO[bytes] = opener(path, mode)
    return opened


class _Numbered(msgspec.Struct):
    seq: str | int


class _Shape(msgspec.Struct):
    """Any line but the header."""

    at: str
    event: msgspec.Raw = msgspec.Raw(b"")
    text: str | None = None
    state: str | None = None


_decode = msgspec.json.Decoder(_Shape).decode
_STATES: dict[type[State], str] = {
    Connected: "connected",
    Reconnecting: "reconnecting",
    Resumed: "resumed",
    Gap: "gap",
}
