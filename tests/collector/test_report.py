"""How a collector answers questions."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.collector.routes import change, route
from twinstream.collector.progress import State
from twinstream.collector.report import METRICS, ask, ask_all, reporting, write_metrics
from twinstream.collector.watch import CollectorStatus, Watch
from twinstream.exits import EX_CONFIG, EX_TEMPFAIL, EX_UNAVAILABLE, CommandError


def make_status() -> CollectorStatus:
    """A status with two routes, one of them with a name that wants quoting."""
    one, two = route("s"), route('two "\\\n', "sqlite:///e.db")
    change(one.progress, state=State.STREAMING, seq=5, written=3, missing=1, gaps=[(1, 1)])
    watch = Watch([one, two], 0.0)
    list(watch.look(0.0))
    return watch.status()


@contextmanager
def free_port() -> Iterator[int]:
    """A port that nobody has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]


async def test_status_is_answered_on_a_socket_that_only_its_owner_can_use(tmp_path: Path) -> None:
    """And is gone afterwards."""
    path, status = tmp_path / "s", make_status()
    assert ask(path) is None
    async with reporting(lambda: status, path=path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert await asyncio.to_thread(ask, path) == status
    assert not path.exists()


async def test_every_collector_of_a_user_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no socket is named there is a folder of one's own for them."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert list(ask_all()) == []
    status = make_status()
    async with reporting(lambda: status):
        assert await asyncio.to_thread(lambda: list(ask_all())) == [status]
        assert stat.S_IMODE((tmp_path / "twinstream").stat().st_mode) == 0o700
    assert list(ask_all()) == []


async def test_a_collector_with_a_socket_elsewhere_is_found_too(folder: Path, tmp_path: Path) -> None:
    """By a link, one for each place however often a collector there was killed; links to nothing count for nothing."""
    path, status = tmp_path / "s", make_status()
    async with reporting(lambda: status, path=path):
        (link,) = (folder / name for name in os.listdir(folder))
    assert os.listdir(folder) == []
    link.symlink_to(path)
    assert list(ask_all()) == []
    async with reporting(lambda: status, path=path):
        assert os.listdir(folder) == [link.name]
        (folder / "collect-1.sock").symlink_to(path)
        assert await asyncio.to_thread(lambda: list(ask_all())) == [status]


async def test_a_link_to_somebody_elses_socket_is_passed_over(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a collector of ours was, anybody may answer who can write there."""
    async with reporting(make_status, path=tmp_path / "s"):
        monkeypatch.setattr("twinstream.collector.report.runtime_folder", lambda: folder)
        monkeypatch.setattr("twinstream.collector.report._check_folder", lambda _: None)
        monkeypatch.setattr("os.geteuid", lambda: folder.stat().st_uid + 1)
        assert await asyncio.to_thread(lambda: list(ask_all())) == []


async def test_a_socket_that_was_named_needs_no_folder(folder: Path, tmp_path: Path) -> None:
    """That is the remedy for one that cannot be used."""
    os.mkdir(folder, 0o777)
    os.chmod(folder, 0o777)
    async with reporting(make_status, path=tmp_path / "s"):
        assert await asyncio.to_thread(ask, tmp_path / "s") == make_status()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where sockets are when nothing else is known: in the temporary folder of all users."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / f"twinstream-{os.geteuid()}"


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("open", "others can write into .*; mend it with: chmod 700"),
        ("link", "is no folder, or a link to one; name a socket with --status"),
        ("file", "; name a socket with --status"),
        ("theirs", "belongs to somebody else; name a socket with --status"),
    ],
)
def test_a_folder_in_which_others_may_put_sockets_is_not_believed(
    folder: Path, kind: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by who answers nor by who asks."""
    if kind == "file":
        folder.touch()
    elif kind == "link":
        folder.with_name("elsewhere").mkdir(mode=0o700)
        folder.symlink_to("elsewhere")
    else:
        folder.mkdir()
        folder.chmod(0o770 if kind == "open" else 0o700)
    if kind == "theirs":
        monkeypatch.setattr("twinstream.collector.report.runtime_folder", lambda: folder)
        monkeypatch.setattr("os.geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(CommandError, match=complaint) as caught:
        list(ask_all())
    assert caught.value.exit_code == EX_CONFIG
    with pytest.raises(CommandError, match=complaint) as caught:
        asyncio.run(reporting(make_status).__aenter__())
    assert caught.value.exit_code == EX_CONFIG


async def test_a_folder_of_ones_own_is_made_in_the_temporary_one(folder: Path) -> None:
    """For the owner alone."""
    async with reporting(make_status):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        assert len(await asyncio.to_thread(lambda: list(ask_all()))) == 1


async def test_systemds_folder_may_be_a_link(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With DynamicUser= it is one."""
    folder.with_name("private").mkdir(mode=0o755)
    folder.with_name("run").symlink_to("private")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder.with_name("run")))
    async with reporting(make_status):
        assert len(await asyncio.to_thread(lambda: list(ask_all()))) == 1


async def test_a_socket_that_a_dead_collector_has_left_is_replaced(tmp_path: Path) -> None:
    """One at which somebody answers is not."""
    path, status = tmp_path / "s", make_status()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert ask(path) is None
    async with reporting(lambda: status, path=path):
        with pytest.raises(CommandError, match="another collector answers there") as caught:
            await reporting(lambda: status, path=path).__aenter__()
        assert caught.value.exit_code == EX_TEMPFAIL
        assert await asyncio.to_thread(ask, path) == status


async def test_a_place_where_no_socket_can_be_is_told(tmp_path: Path) -> None:
    """A folder that is not there, a path that is too long, a file."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "no" / "s", tmp_path / ("x" * 200), tmp_path / "file"):
        with pytest.raises(CommandError, match="no socket can be made") as caught:
            await reporting(make_status, path=path).__aenter__()
        assert caught.value.exit_code == EX_CONFIG
    assert (tmp_path / "file").exists()


async def test_what_gives_no_answer_is_told(tmp_path: Path) -> None:
    """Something else at the socket is no collector."""

    async def be_rude(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
        writer.close()

    async with await asyncio.start_unix_server(be_rude, tmp_path / "s"):
        with pytest.raises(CommandError, match="no answer from the collector") as caught:
            await asyncio.to_thread(ask, tmp_path / "s")
    assert caught.value.exit_code == EX_UNAVAILABLE


async def test_metrics_are_served_on_a_port(tmp_path: Path) -> None:
    """Beside the status; other paths and methods are told off, and nobody can hold the listener up."""
    status = make_status()
    with free_port() as port:
        pass
    async with reporting(lambda: status, path=tmp_path / "s", address=str(port)):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            answer = await client.get("/metrics")
            assert answer.text == write_metrics(status)
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert (await client.get("/status")).json()["routes"][0]["seq"] == 5
            assert (await client.get("/")).status_code == 404
            assert (await client.post("/metrics")).status_code == 405
        for nonsense in (b"", b"\r\n\r\n", b"x" * 20_000):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(nonsense)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
        with pytest.raises(CommandError, match="metrics cannot be served") as caught:
            await reporting(lambda: status, path=tmp_path / "t", address=f"127.0.0.1:{port}").__aenter__()
        assert caught.value.exit_code == EX_UNAVAILABLE
        assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("address", ["", "x", "h:", "h:0", "70000"])
async def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    """With what is expected."""
    with pytest.raises(CommandError, match="expected PORT or HOST:PORT"):
        await reporting(make_status, path=tmp_path / "s", address=address).__aenter__()


def test_metrics_are_in_the_format_that_prometheus_reads() -> None:
    """Every name, with labels quoted; what is not known has no sample."""
    families = {family.name: family for family in text_string_to_metric_families(write_metrics(make_status()))}
    assert set(families) == {f"twinstream_collector_{name.removesuffix('_total')}" for name in METRICS} | {
        "twinstream_collector_state"
    }
    written = families["twinstream_collector_written"]
    assert written.type == "counter"
    assert [(sample.labels["stream"], sample.labels["output"], sample.value) for sample in written.samples] == [
        ("s", "jsonl:e.jsonl", 3),
        ('two "\\\n', "sqlite:///e.db", 0),
    ]
    assert [sample.value for sample in families["twinstream_collector_seq"].samples] == [5]
    states = [sample for sample in families["twinstream_collector_state"].samples if sample.value]
    assert [sample.labels["state"] for sample in states] == ["streaming", "starting"]
