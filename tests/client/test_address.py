"""Where a stream is, in the forms in which people say it."""

from __future__ import annotations

import pytest

from twinstream.client.address import is_local, read_address


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("ws://h:1/stream", "ws://h:1/stream"),
        ("wss://h/stream/?stream_key=old", "wss://h/stream"),
        ("http://h:8800", "ws://h:8800/stream"),
        ("https://h/", "wss://h/stream"),
        ("wss://h/stream/stream", "wss://h/stream/stream"),
        ("ws://[::1]:8800", "ws://[::1]:8800/stream"),
    ],
)
def test_a_server_or_a_stream_may_be_named(url: str, base: str) -> None:
    """http means ws, https wss, and without a path it is /stream."""
    assert read_address(url, stream_key="k").base == base


def test_an_address_keeps_its_other_parameters() -> None:
    """What stands there stays; what is given beside wins; `seq_end` goes with `seq_start`."""
    address = read_address("ws://h/stream?stream_key=k&seq_start=3&seq_end=9&on_gap=refuse", observe=True)
    assert address.url_from(7) == "ws://h/stream?stream_key=k&on_gap=refuse&seq_start=7&seq_end=9&observe=1"
    live = read_address("ws://h/stream?stream_key=k&seq_start=&observe=1", stream_key="a b")
    assert live.url_from(None) == "ws://h/stream?stream_key=a+b&observe=1"
    assert read_address("ws://h?stream_key=k&seq_start=3", seq_start=0).seq_start == 0


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("h:1/stream?stream_key=5ec2e7", {}),
        ("ftp://h/stream?stream_key=5ec2e7", {}),
        ("ws:///stream?stream_key=5ec2e7", {}),
        ("ws://h:99999/stream?stream_key=5ec2e7", {}),
        ("ws://h:0/stream?stream_key=5ec2e7", {}),
        ("ws://[h/stream?stream_key=5ec2e7", {}),
        ("ws://h/stream", {}),
        ("ws://h/stream", {"stream_key": "5ec2e7\n"}),
        ("ws://h/stream?stream_key=5ec2e7&seq_start=x", {}),
        ("ws://h/stream?stream_key=5ec2e7&seq_start=-1", {}),
        ("ws://h/stream?stream_key=5ec2e7", {"seq_start": -1}),
        ("ws://h/stream?stream_key=5ec2e7", {"seq_end": 3}),
        ("ws://h/stream?stream_key=5ec2e7", {"seq_start": 4, "seq_end": 3}),
    ],
)
def test_what_is_no_stream_is_an_error_without_the_key(url: str, options: dict[str, object]) -> None:
    """Before anything is sent; the text shows neither address nor key."""
    with pytest.raises(ValueError, match=r"stream|seq") as caught:
        read_address(url, **options)  # type: ignore[arg-type]
    assert "5ec2e7" not in str(caught.value)


def test_the_key_is_not_shown() -> None:
    """Neither in `repr` nor where an error speaks of it; a password in the address neither."""
    address = read_address("ws://ada:pass@h/stream?stream_key=5ec2e7")
    assert repr(address) == "Address('h')"
    assert address.hide_key("no 5ec2e7 here") == "no [stream key] here"


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "[::1]"])
def test_this_machine_needs_no_proxy(host: str) -> None:
    """The environment's proxies are for others."""
    assert is_local(f"ws://{host}/stream")
    assert not is_local("ws://10.0.0.1/stream")
    assert not is_local("wss://h/stream")
