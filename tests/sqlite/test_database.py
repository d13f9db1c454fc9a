"""The data folder: its lock, its modes, and what it refuses to open."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from pathlib import Path

import apsw
import pytest

from twinstream import demo, server
from twinstream.exits import EX_DATAERR, EX_TEMPFAIL, CommandError
from twinstream.sqlite import database, migration, seal
from twinstream.sqlite.database import FILE_NAME, Database, FolderInUseError


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA application_id = 42")
        connection.execute("CREATE TABLE event (position INTEGER)")
    connection.close()


def _newer(path: Path) -> None:
    Database.open(path.parent).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def _cut(path: Path) -> None:
    Database.open(path.parent).close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def test_a_new_folder_and_its_files_are_its_owners_alone(tmp_path: Path) -> None:
    """The folder is 0700 and every file in it 0600, whatever the umask."""
    former = os.umask(0)
    try:
        opened = Database.open(tmp_path / "new" / "folder")
    finally:
        os.umask(former)
    assert _mode(opened.folder) == 0o700
    assert {path.name: _mode(path) for path in opened.folder.iterdir()} == dict.fromkeys(
        ("lock", FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"), 0o600
    )
    opened.close()


def test_files_that_others_may_read_are_closed_to_them(tmp_path: Path) -> None:
    """A file that came back from a backup with a loose mode is tightened."""
    Database.open(tmp_path).close()
    (tmp_path / FILE_NAME).chmod(0o644)
    Database.open(tmp_path).close()
    assert _mode(tmp_path / FILE_NAME) == 0o600


def test_a_folder_has_one_user(tmp_path: Path) -> None:
    """A second opening fails with the holder's process id; after the first is closed it works."""
    first = Database.open(tmp_path)
    with pytest.raises(FolderInUseError, match=str(os.getpid())) as refused:
        Database.open(tmp_path)
    assert (refused.value.pid, refused.value.exit_code) == (os.getpid(), EX_TEMPFAIL)
    first.close()
    Database.open(tmp_path).close()


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("Dear diary,\n" * 50),
        lambda path: path.write_bytes(b"SQLite format 3\0"),
        _foreign,
        _newer,
    ],
    ids=["empty", "text", "cut in the header", "another application", "newer version"],
)
def test_what_is_not_ours_is_left_as_it_is(tmp_path: Path, make: object) -> None:
    """A file of any other kind, or of a newer version, is refused with exit code 65, and nothing changes."""
    path = tmp_path / FILE_NAME
    make(path)  # type: ignore[operator]
    before = path.read_bytes()
    names = sorted(entry.name for entry in tmp_path.iterdir())
    with pytest.raises(CommandError, match="left as it is") as refused:
        Database.open(tmp_path)
    assert refused.value.exit_code == EX_DATAERR
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == names


@pytest.mark.parametrize("name", ["notes.txt", ".git/config", "twinstream.db-wal"])
def test_a_folder_of_somebody_elses_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    """A folder that holds files, but no database, is refused; nothing is written into it."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    (tmp_path / "lock").write_text("")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CommandError, match="is not empty and not ours; it was left as it is") as caught:
        Database.open(tmp_path)
    assert caught.value.exit_code == EX_DATAERR
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "lock").read_text() == ""


def test_a_first_start_that_was_interrupted_is_no_hindrance(tmp_path: Path) -> None:
    """Whatever it may have left, and what a new file system has by itself."""
    (tmp_path / "lost+found").mkdir()
    for name in ("lock", seal.FILE_NAME, server.ADDRESS_FILE, demo.FILE_NAME):
        (tmp_path / name).touch()
    for name in ("seal.new", "admin.json.partial", "demo.json.partial", "twinstream.new", "twinstream.new-wal"):
        (tmp_path / name).touch()
    Database.open(tmp_path).close()


def test_a_truncated_database_is_refused(tmp_path: Path) -> None:
    """A file whose tail is missing is an error with a message, and the folder is free again."""
    _cut(tmp_path / FILE_NAME)
    for _ in range(2):
        with pytest.raises(CommandError, match="cannot be used") as refused:
            Database.open(tmp_path)
        assert refused.value.exit_code == EX_DATAERR


def test_a_process_killed_while_making_the_database_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    """A half-made file has another name and is thrown away by the next start."""
    (tmp_path / "twinstream.new").write_bytes(b"half")
    (tmp_path / "twinstream.new-wal").write_bytes(b"half")
    Database.open(tmp_path).close()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["lock", FILE_NAME]


def test_missing_or_stale_side_files_do_not_matter(tmp_path: Path) -> None:
    """Without -wal and -shm, or with an -shm from elsewhere, the database opens with all that it held."""
    opened = Database.open(tmp_path / "a")
    opened.writer.execute("INSERT INTO oem (id, name, created_at) VALUES ('a', 'a', 0)")
    shutil.copytree(tmp_path / "a", tmp_path / "b")  # as a kill would leave it: everything in the WAL
    opened.close()
    (tmp_path / "b" / f"{FILE_NAME}-shm").write_bytes(b"\xff" * 32768)
    again = Database.open(tmp_path / "b")
    assert again.writer.execute("SELECT count(*) FROM oem").get == 1
    assert again.writer.pragma("integrity_check") == "ok"
    again.close()


def test_readers_cannot_write(tmp_path: Path) -> None:
    """Only the one connection writes and checkpoints; the others are refused by SQLite itself."""
    opened = Database.open(tmp_path)
    reader = opened.connect()
    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("INSERT INTO oem (id, name, created_at) VALUES ('a', 'a', 0)")
    for connection in (reader, opened.writer):
        assert connection.pragma("wal_autocheckpoint") == 0
    assert opened.writer.pragma("synchronous") == 2
    assert opened.writer.pragma("foreign_keys") == 1
    assert opened.writer.pragma("journal_mode") == "wal"
    reader.close()
    opened.close()


def test_an_older_database_is_backed_up_and_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The backup holds the old version whole; the database has the new one, and says so in its header."""
    folder = tmp_path / "folder"
    opened = Database.open(folder)
    opened.writer.execute("INSERT INTO oem (id, name, created_at) VALUES ('a', 'a', 0)")
    opened.close()
    script = tmp_path / "next.sql"
    script.write_text("ALTER TABLE oem ADD COLUMN colour TEXT; UPDATE oem SET colour = 'red' RETURNING id;")
    for module in (database, migration):
        monkeypatch.setattr(module, "SCRIPTS", (*migration.SCRIPTS, script))
    opened = Database.open(folder)
    assert opened.writer.execute("SELECT colour FROM oem").get == "red"
    header = (folder / FILE_NAME).read_bytes()[:100]
    assert int.from_bytes(header[60:64], "big") == 2
    opened.close()
    backup = folder / "backup-version-1.db"
    assert _mode(backup) == 0o600
    connection = apsw.Connection(str(backup))
    assert connection.pragma("user_version") == 1
    assert [row[1] for row in connection.execute("PRAGMA table_info(oem)") if row[1] == "colour"] == []
    assert connection.execute("SELECT count(*) FROM oem").get == 1
    connection.close()
