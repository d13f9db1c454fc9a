"""Which stream a client's command means, and where its key comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinstream.cli.address import find_stream
from twinstream.cli.app import main
from twinstream.exits import EX_USAGE, CommandError

URL = "ws://h/stream"


def find(
    url: str | None = None,
    region: str | None = None,
    key: str | None = None,
    key_file: Path | None = None,
    deployment: str = "dev",
) -> tuple[str, str | None]:
    """Ask with the flags of a command."""
    return find_stream(url, region, deployment, "mobile", key, key_file)


def test_the_key_comes_from_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag wins over the URL, the URL over the environment; a file keeps it off the command line."""
    file = tmp_path / "key"
    file.write_text("ef\n")
    file.chmod(0o600)
    monkeypatch.setenv("TWINSTREAM_STREAM_KEY", "cd")
    assert find(URL) == (URL, "cd")
    assert find(URL + "?stream_key=ab") == (URL + "?stream_key=ab", None)
    assert find(URL + "?stream_key=ab", key="01") == (URL + "?stream_key=ab", "01")
    assert find(URL, key_file=file) == (URL, "ef")


def test_a_cloud_is_meant_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Region, deployment and client type stand for a URL, and a setting turns them to one's own server."""
    assert find(region="us", key="ab") == ("wss://mstream-dev.aylanetworks.com/stream", "ab")
    monkeypatch.setenv("TWINSTREAM_CLOUD", "http://127.0.0.1:8800")
    assert find(region="us", key="ab") == ("ws://127.0.0.1:8800/stream", "ab")
    assert find(key="ab") == ("ws://127.0.0.1:8800/stream", "ab")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"url": URL}, "a stream needs its stream key"),
        ({"url": "h:8800/ab", "key": "5ec2e7"}, "no address of a stream"),
        ({"url": URL, "region": "us"}, "not both"),
        ({"url": URL, "key": "5ec2e7", "key_file": Path("key")}, "not both"),
        ({"region": "eu", "key": "5ec2e7"}, "no cloud is known as eu, dev, mobile"),
        ({"key": "5ec2e7"}, "TWINSTREAM_CLOUD"),
    ],
)
def test_what_is_no_stream_is_told_without_the_key(flags: dict[str, str], message: str) -> None:
    """One line says what is missing, or too much."""
    with pytest.raises(CommandError, match=message) as caught:
        find(**flags)  # type: ignore[arg-type]
    assert caught.value.exit_code == 64
    assert "5ec2e7" not in str(caught.value)


@pytest.mark.parametrize(("mode", "content"), [(0o644, b"ab"), (0o600, b"\xff"), (None, b"")])
def test_a_file_that_cannot_hold_a_secret_is_refused(tmp_path: Path, mode: int | None, content: bytes) -> None:
    """It is there, others cannot read it, and it holds text."""
    file = tmp_path / "key"
    if mode is not None:
        file.write_bytes(content)
        file.chmod(mode)
    with pytest.raises(CommandError) as caught:
        find(URL, key_file=file)
    assert caught.value.exit_code == 78


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--since-seq=-3"], "--since-seq -3"),
        (["--until-seq=-3"], "--until-seq -3"),
        (["--since-seq=5", "--until-seq=3"], "--until-seq 3"),
    ],
)
@pytest.mark.parametrize("command", [("tail",), ("record", "-o", "NEW"), ("collect", "--to=jsonl:NEW", "--check")])
def test_a_range_that_cannot_be_is_told_by_its_flags(
    command: tuple[str, ...], flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As they stand on the command line, whichever command has them."""
    assert main([*command, "ws://127.0.0.1:1/stream?stream_key=k", *flags]) == EX_USAGE
    assert said in capsys.readouterr().err
