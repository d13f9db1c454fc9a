"""What a person and a script see of a stream, and with which exit code it ends."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
from pathlib import Path

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection

from tests.certificate import make_certificate
from tests.client.play import Still, play_of, playing, record
from twinstream.client.address import Address
from twinstream.client.tail import Selection, _find_place, tail
from twinstream.exits import EX_NOPERM, EX_PROTOCOL, EX_TEMPFAIL, EX_UNAVAILABLE, CommandError

AT = "2018-09-24T10:25:14Z"
METADATA = {"dsn": "AC000W005606115", "property_name": "Blue_LED"}


class Terminal(io.StringIO):
    """An output that a person looks at."""

    def isatty(self) -> bool:
        return True


async def test_a_script_gets_each_event_as_it_came() -> None:
    """Without a terminal each event is one line, exactly the JSON of the record."""

    out = io.StringIO()
    async with playing(play_of(record(1) + record(2), record(3))) as (url, _):
        assert await tail(url, until_seq=3, out=out) == 0
    lines = out.getvalue().splitlines()
    assert lines == [record(seq).partition("|")[2] for seq in (1, 2, 3)]


async def test_a_person_gets_lines() -> None:
    """On a terminal events are readable lines."""

    async def play(connection: ServerConnection) -> None:
        event = {"seq": "1", "metadata": {**METADATA, "event_type": "connectivity"}, "connection": {"status": "Online"}}
        text = msgspec.json.encode(event).decode()
        await connection.send(f"{len(text)}|{text}")

    out = Terminal()
    async with playing(play) as (url, targets):
        assert await tail(url + "&seq_start=0", count=1, out=out) == 0
    assert "Online  #1" in out.getvalue()
    assert len(targets) == 1


async def test_a_private_authority_is_trusted_throughout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE holds for the question where the stream ends as for the stream."""
    certificate, key_file = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key_file)

    places = '{"seq":"26","oldest":"1"}'
    async with playing(play_of(record(26)), refuse={0: 200}, refusal=places, tls=tls) as (url, targets):
        assert await tail(url, count=1, out=Terminal()) == 0
    assert targets[1].endswith("&seq_start=17&observe=1")


@pytest.mark.parametrize(
    ("since_seq", "place", "notice"),
    [
        (28, '{"seq":"26","oldest":"1"}', "twinstream: event 28 is yet to come: the newest is 26\n"),
        (27, '{"seq":"26","oldest":"1"}', ""),
        (28, "<html>", ""),
    ],
)
async def test_a_beginning_that_is_yet_to_come_is_told(
    since_seq: int, place: str, notice: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing comes since it lies beyond the newest event, the error output says so, if the server tells."""
    out, answered = io.StringIO(), asyncio.Event()

    async def find_place(address: Address) -> tuple[int, int] | None:
        found = await _find_place(address)
        answered.set()
        return found

    monkeypatch.setattr("twinstream.client.tail.QUIET_S", 0)
    monkeypatch.setattr("twinstream.client.tail._find_place", find_place)

    async def play(connection: ServerConnection) -> None:
        await answered.wait()
        await connection.send(record(since_seq))
        await connection.wait_closed()

    async with playing(play, place=place) as (url, _):
        assert await tail(url, since_seq=since_seq, count=1, out=out) == 0
    assert capsys.readouterr().err == notice
    assert out.getvalue() == record(since_seq).partition("|")[2] + "\n"


def datapoint(seq: int, dsn: str, name: str, kind: str = "datapoint") -> str:
    """A record of a datapoint."""
    metadata = {"dsn": dsn, "property_name": name, "event_type": kind}
    text = json.dumps({"seq": str(seq), "metadata": metadata, "datapoint": {"value": 1}})
    return f"{len(text)}|{text}"


@pytest.mark.parametrize(
    ("selection", "seqs"),
    [
        (Selection(), [1, 2, 3, 4]),
        (Selection(types=("datapoint",)), [1, 2]),
        (Selection(types=("datapoint*",)), [1, 2, 3]),
        (Selection(types=("datapointack", "odd")), [3, 4]),
        (Selection(dsns=("AC1", "VR*")), [1, 3]),
        (Selection(properties=("[RG]*_LED",)), [1, 3]),
        (Selection(types=("datapoint",), properties=("Red_LED",)), [1]),
    ],
)
async def test_filters_choose_what_is_shown(selection: Selection, seqs: list[int]) -> None:
    """Several patterns for one field are one or the other, those of different fields hold together."""
    records = [
        datapoint(1, "AC1", "Red_LED"),
        datapoint(2, "AC2", "red_LED"),
        datapoint(3, "VR00ZN1", "Green_LED", "datapointack"),
        datapoint(4, "AC2", "x", "odd"),
    ]
    out = io.StringIO()
    async with playing(play_of(*records)) as (url, _):
        assert await tail(url, until_seq=4, selection=selection, out=out) == 0
    assert [int(json.loads(line)["seq"]) for line in out.getvalue().splitlines()] == seqs


async def test_what_happens_to_the_stream_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """States go to the error output, and with `stats` the counters at the end, so that the output is events alone."""
    out = io.StringIO()
    refuse = {1: 503}
    plays = play_of(record(3), "1|Z", record(4), code=1012), play_of(record(4), record(7))
    async with playing(*plays, refuse=refuse) as (url, targets):
        assert await tail(url, since_seq=2, until_seq=7, stats=True, out=out, random=Still()) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "twinstream: event 2 is missing"
    assert lines[1].startswith("twinstream: closed with 1012 service restart; trying again in ")
    assert lines[2].startswith("twinstream: told so; trying again in ")
    assert lines[3:6] == [
        "twinstream: connected again",
        "twinstream: going on after 4",
        "twinstream: events 5 to 6 are missing",
    ]
    counted = "3 events, 1 heartbeat answered, 1 reconnect, 1 duplicate dropped, 2 gaps, 3 events missing; 3 shown"
    assert lines[6] == f"twinstream: {counted}"
    assert len(out.getvalue().splitlines()) == 3
    assert targets[0].endswith("?stream_key=k&seq_start=2&seq_end=7&observe=1")


@pytest.mark.parametrize("bounds", [{"count": 2}, {"seconds": 0.3}])
async def test_a_script_can_bound_it(bounds: dict[str, float]) -> None:
    """So many events, or so long, and then it ends well."""

    codes: list[int | None] = []

    async def play(connection: ServerConnection) -> None:
        await connection.send(record(1) + record(2))
        await connection.wait_closed()
        codes.append(connection.close_code)

    out = io.StringIO()
    async with playing(play) as (url, _):
        assert await tail(url, out=out, **bounds) == 0  # type: ignore[arg-type]
    assert len(out.getvalue().splitlines()) == 2
    assert codes == [1000]


async def test_ctrl_c_closes_the_stream_well(capsys: pytest.CaptureFixture[str]) -> None:
    """Being cancelled, which is what Ctrl-C comes to, it says goodbye with 1000, and counters are told all the same."""
    codes: list[int | None] = []
    is_shown = asyncio.Event()

    class Watched(io.StringIO):
        def flush(self) -> None:
            is_shown.set()

    async def play(connection: ServerConnection) -> None:
        await connection.send(record(1))
        await connection.wait_closed()
        codes.append(connection.close_code)

    async with playing(play) as (url, _):
        task = asyncio.create_task(tail(url, stats=True, out=Watched()))
        await is_shown.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert codes == [1000]
    assert "1 event, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "exit_code"), [(401, EX_NOPERM), (403, EX_NOPERM), (429, EX_TEMPFAIL), (400, EX_PROTOCOL)]
)
async def test_a_refusal_has_its_exit_code(status: int, exit_code: int) -> None:
    """Whoever scripts it can tell a bad key from a busy server; the text never holds the key."""
    async with playing(refuse={0: status}) as (url, _):
        with pytest.raises(CommandError, match="told so") as caught:
            await tail(url.replace("=k", "=0123456789abcdef"), out=io.StringIO())
    assert caught.value.exit_code == exit_code
    assert "0123456789abcdef" not in str(caught.value)


async def test_the_reason_of_a_refusal_is_told_once() -> None:
    """What is told of a refusal is the detail of the server's problem document."""
    reason = "seq_start is a decimal number from 0 to 9."
    problem = {"type": "about:blank", "title": "Bad", "status": 400, "detail": reason, "code": "bad_seq_start"}
    async with playing(refuse={0: 400}, refusal=json.dumps(problem)) as (url, _):
        with pytest.raises(CommandError) as caught:
            await tail(url, out=io.StringIO())
    assert str(caught.value) == f"the server refused the stream (400): {reason}"


async def test_a_refusal_without_a_reason_shows_its_status_once() -> None:
    """A proxy's page is not shown."""
    async with playing(refuse={0: 400}, refusal="<html>") as (url, _):
        with pytest.raises(CommandError) as caught:
            await tail(url, out=io.StringIO())
    assert str(caught.value) == "the server refused the stream (400): Bad Request"


async def test_a_closing_is_explained() -> None:
    """The code's meaning and what to do are told."""

    async def play(connection: ServerConnection) -> None:
        await connection.close(4403, "suspended")

    async with playing(play) as (url, _):
        with pytest.raises(CommandError, match=r"4403 suspended\. Ask its owner") as caught:
            await tail(url, out=io.StringIO())
    assert caught.value.exit_code == EX_PROTOCOL


class Patience(Still):
    """Chance that notes how long a wait might have been."""

    def __init__(self) -> None:
        super().__init__()
        self.longest_s = 0.0

    def uniform(self, a: float, b: float) -> float:
        self.longest_s = max(self.longest_s, b)
        return a


async def test_a_person_waits_five_seconds_at_most() -> None:
    """However often the server was not there."""
    patience = Patience()
    async with playing(play_of(record(1), code=1012), play_of(record(2)), refuse=dict.fromkeys(range(1, 9), 503)) as (
        url,
        _,
    ):
        assert await tail(url, since_seq=1, until_seq=2, out=io.StringIO(), random=patience) == 0
    assert patience.longest_s == 5


async def test_nobody_there_has_its_exit_code() -> None:
    """A server that does not run is told in one line."""
    async with playing() as (url, _):
        pass
    with pytest.raises(CommandError, match="connection refused") as caught:
        await tail(url, out=io.StringIO())
    assert caught.value.exit_code == EX_UNAVAILABLE
