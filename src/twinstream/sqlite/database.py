"""The data folder and its one database file: lock, checks, connections.

Owns which process may use the folder, who may read it, and how connections are set up; knows no table. Invariants:

* One process at a time: the folder's lock file is held (flock) from `Database.open` to `Database.close`.
* One connection writes and checkpoints (`Database.writer`); all others are read-only. Why: SQLite before 3.51.3 can
  corrupt a WAL that two connections write or reset at once, and a checkpoint on an event loop would stall it for 10 ms.
* What is not ours is never touched: the file's header is judged before SQLite opens it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from pathlib import Path

import apsw

from twinstream.exits import EX_DATAERR, EX_IOERR, EX_TEMPFAIL, CommandError
from twinstream.sqlite.migration import SCRIPTS, migrate, version_of

FILE_NAME = "twinstream.db"
LOCK_NAME = "lock"
APPLICATION_ID = int.from_bytes(b"twin", "big")
"""What ``PRAGMA application_id`` says of our files (SQLite's file format, section 1.3.17)."""

HARMLESS = re.compile(
    r"lock|seal\.key|seal\.new|twinstream\.new(-wal|-shm|-journal)?|(admin|demo)\.json(\.partial)?|lost\+found"
)
"""What may lie in a folder without a database: a first start that was interrupted left it, or the file system did."""

BUSY_TIMEOUT_MS = 5000
WRITER_CACHE_KIB = 64 * 1024
READER_CACHE_KIB = 16 * 1024


class FolderInUseError(CommandError):
    """Another process, ``pid`` (None if it left no number), holds the data folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.pid = pid
        super().__init__(EX_TEMPFAIL, f"{folder} is in use by process {pid or '?'}")


class Database:
    """An open data folder. ``writer`` is the one connection that writes; whoever uses it owns its thread."""

    def __init__(self, folder: Path, lock: int, writer: apsw.Connection) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self.writer = writer
        self._lock = lock
        self._inode = self.path.stat().st_ino

    @classmethod
    def open(cls, folder: Path) -> Database:
        """Open the folder, made if it is missing (0700), and its database, made or migrated if need be (0600).

        Raises:
            FolderInUseError: another process holds it.
            CommandError: EX_DATAERR, the folder or the file is not ours, damaged, or of a newer version. Nothing is
                changed then. EX_IOERR, the disk failed or is full.
            OSError: the folder cannot be made, or written to.
        """
        _judge_folder(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _lock(folder)
        path = folder / FILE_NAME
        try:
            if path.exists():
                _judge_header(path)
            else:
                _create(path)
            _tighten(folder)
            return cls(folder, lock, _open_writer(path))
        except apsw.Error as error:
            os.close(lock)
            exit_code = EX_IOERR if isinstance(error, (apsw.FullError, apsw.IOError)) else EX_DATAERR
            raise CommandError(exit_code, f"{path} cannot be used: {error}") from error
        except BaseException:
            os.close(lock)
            raise

    def connect(self) -> apsw.Connection:
        """Open one more connection, read-only; the caller closes it before `close`."""
        connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
        _configure(connection, READER_CACHE_KIB)
        return connection

    def is_in_place(self) -> bool:
        """Tell whether the path still leads to the open file: what a deleted one gets is lost at the next start."""
        try:
            return self.path.stat().st_ino == self._inode
        except OSError:
            return False

    def close(self) -> None:
        """Close the writing connection, which empties the WAL, and let the folder go."""
        self.writer.close()
        os.close(self._lock)


def _judge_folder(folder: Path) -> None:
    """Refuse what is somebody else's before anything is written, the lock included."""
    try:
        names = set(os.listdir(folder))
    except FileNotFoundError:
        return
    if FILE_NAME not in names and not all(map(HARMLESS.fullmatch, names)):
        raise CommandError(EX_DATAERR, f"data: {folder} is not empty and not ours; it was left as it is")
    if FILE_NAME in names and LOCK_NAME not in names:
        _judge_header(folder / FILE_NAME)


def _lock(folder: Path) -> int:
    lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20)
        os.close(lock)
        raise FolderInUseError(folder, int(holder) if holder.strip().isdigit() else None) from None
    os.ftruncate(lock, 0)
    os.write(lock, b"%d\n" % os.getpid())
    return lock


def _judge_header(path: Path) -> None:
    """Refuse a file that is not ours. Source of the offsets: SQLite's file format, section 1.3."""
    with path.open("rb") as file:
        header = file.read(100)
    ours = header.startswith(b"SQLite format 3\0") and int.from_bytes(header[68:72], "big") == APPLICATION_ID
    if len(header) < 100 or not ours:
        raise CommandError(EX_DATAERR, f"{path} is not a datastream log; it was left as it is")
    _judge_version(path, int.from_bytes(header[60:64], "big"))


def _judge_version(path: Path, version: int) -> None:
    if not 1 <= version <= len(SCRIPTS):
        raise CommandError(
            EX_DATAERR,
            f"{path} has schema version {version}, this program knows 1 to {len(SCRIPTS)}; it was left as it is",
        )


def _create(path: Path) -> None:
    """Make the file under another name first: a process killed here leaves nothing that looks like a database."""
    unborn = path.with_suffix(".new")
    for leftover in path.parent.glob(unborn.name + "*"):
        leftover.unlink()
    os.close(os.open(unborn, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with contextlib.closing(apsw.Connection(str(unborn))) as connection:
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("journal_mode", "wal")
        migrate(connection, back_up=lambda _: None)
    rename_durably(unborn, path)


def _tighten(folder: Path) -> None:
    """Keep others out of our files, whatever a restored backup left. The folder, maybe somebody's home, stays as is."""
    for path in folder.glob(FILE_NAME + "*"):
        path.chmod(0o600)


def _open_writer(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        _configure(connection, WRITER_CACHE_KIB)
        _judge_version(path, version_of(connection))
        connection.pragma("synchronous", "FULL")
        migrate(
            connection,
            back_up=lambda version: _back_up(connection, path.with_name(f"backup-version-{version}.db")),
            scripts=SCRIPTS,
        )
        connection.pragma("foreign_keys", True)
        connection.pragma("journal_size_limit", 64 * 1024 * 1024)
        # Invariant: the header tells the truth to `_judge_header`, so nothing of a migration stays in the WAL.
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        connection.execute("SELECT max(position) FROM event").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: apsw.Connection, cache_kib: int) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.pragma("wal_autocheckpoint", 0)
    connection.pragma("cache_size", -cache_kib)
    connection.pragma("temp_store", "memory")
    connection.pragma("trusted_schema", False)
    connection.pragma("cell_size_check", True)


def _back_up(connection: apsw.Connection, target: Path) -> None:
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection.execute("VACUUM INTO ?", (str(partial),))
    rename_durably(partial, target)


def rename_durably(source: Path, target: Path) -> None:
    """Rename, and have it on the disk: a file's name belongs to its folder."""
    _sync(source)
    source.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
