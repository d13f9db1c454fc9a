"""Real MariaDB and PostgreSQL servers in temporary folders: started, killed, started again on the same folder, ended.

As root they run as ``nobody``: PostgreSQL refuses to run as root. Nothing of an installation's own service is touched:
PostgreSQL listens on a Unix socket in its folder, MariaDB on a port of its own (PyMySQL leaves a Unix socket that is
refused to the garbage collector). Durable as they come: a commit is on disk.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from scripts.need import NEEDS

START_TIMEOUT_S = 60.0
USER, PASSWORD, DATABASE = "twin", "s3cret/p@ss", "twin"


class DatabaseServer:
    """A database server in ``folder``. ``url`` is SQLAlchemy's, with the password of `USER`, owner of `DATABASE`."""

    url: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, also after a kill, and return when it accepts connections."""
        with (self.folder / "log").open("ab") as log:
            self.process = self._popen(self._command(), log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the database did not start:\n{(self.folder / 'log').read_text()[-4000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL for the server and all its processes, and wait for their end.

        A process of PostgreSQL that outlived its server would go on writing into files that the next one has opened.
        """
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)  # so that it has no more children than these
        family = children_of(self.process.pid)
        for pid in (*family, self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        while any(is_running(pid) for pid in family):
            time.sleep(0.005)

    def stop(self) -> None:
        """End it, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def prepare(self) -> None:
        """Make the files of an empty database."""
        raise NotImplementedError

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _popen(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a command as an unprivileged user, where a Ctrl-C for the tests does not reach it."""
        user = nobody()
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.folder)},
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
        )

    def _run(self, command: list[str]) -> None:
        with (self.folder / "log").open("ab") as log:
            if self._popen(command, log).wait():
                raise RuntimeError(f"{command[0]} failed:\n{(self.folder / 'log').read_text()[-4000:]}")


class MariaDB(DatabaseServer):
    """MariaDB with the settings it comes with, in a small memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.url = f"mysql+pymysql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{DATABASE}"

    def prepare(self) -> None:
        """Make the system tables, and a file that makes the user at the first start."""
        (self.folder / "init.sql").write_text(
            f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4;\n"
            f"CREATE USER IF NOT EXISTS {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON {DATABASE}.* TO {USER}@'127.0.0.1';\n"
        )
        self._run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={self.folder / 'files'}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ]
        )

    def _command(self) -> list[str]:
        return [
            str(NEEDS["mariadb"].find()),
            "--no-defaults",
            f"--datadir={self.folder / 'files'}",
            f"--socket={self.folder / 'socket'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--init-file={self.folder / 'init.sql'}",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M",
        ]

    def _answers(self) -> bool:
        import pymysql

        try:
            pymysql.connect(
                host="127.0.0.1",
                port=self.port,
                user=USER,
                password=PASSWORD,
                database=DATABASE,
                connect_timeout=5,
            ).close()
        except pymysql.MySQLError:
            return False
        return True


class PostgreSQL(DatabaseServer):
    """PostgreSQL with the settings it comes with."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = f"postgresql+psycopg://{USER}:{quote(PASSWORD, safe='')}@/{DATABASE}?host={folder}"
        self._bin = (NEEDS["postgresql"].find() or Path()).resolve().parent

    def prepare(self) -> None:
        """Make the cluster; its first user is `USER`, its first database of the same name."""
        (self.folder / "password").write_text(PASSWORD)
        self._run(
            [
                str(self._bin / "initdb"),
                f"--pgdata={self.folder / 'files'}",
                f"--username={USER}",
                f"--pwfile={self.folder / 'password'}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ]
        )

    def start(self) -> None:
        """Start it; make the database at the first start."""
        super().start()
        import psycopg

        with psycopg.connect(self._terms("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _command(self) -> list[str]:
        return [
            str(self._bin / "postgres"),
            *("-D", str(self.folder / "files")),
            *("-k", str(self.folder)),
            *("-c", "listen_addresses="),
        ]

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self._terms("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _terms(self, database: str) -> str:
        password = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        return f"host={self.folder} user={USER} password='{password}' dbname={database}"


KINDS: dict[str, type[DatabaseServer]] = {"mariadb": MariaDB, "postgresql": PostgreSQL}


def nobody() -> str | None:
    """Return the user to run as: ``nobody`` for root, else None, ourselves."""
    return "nobody" if os.geteuid() == 0 else None


def children_of(parent: int) -> list[int]:
    """Return the processes that a process has started and that run."""
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Tell whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def free_port() -> int:
    """Return a port that nobody listens on, below those that the system gives away: it stays free during a restart."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


@contextmanager
def running_database(kind: str) -> Iterator[DatabaseServer]:
    """Start an empty server of a kind of `KINDS`; at the end it and its files are gone.

    The folder is not pytest's, into which only its owner may look, and short: a socket's path ends at 107 bytes.
    """
    folder = Path(tempfile.mkdtemp(prefix="twinstream-"))
    try:
        if (user := nobody()) is not None:
            shutil.chown(folder, user)
        server = KINDS[kind](folder)
        server.prepare()
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
