"""Region, deployment and client type name the addresses that the documents print."""

from __future__ import annotations

import pytest

from twinstream.client.regions import REGIONS, Hosts, find_hosts, hosts_of

DOCUMENTED = """\
cn dev cloud wss://stream.ayla.com.cn/stream https://stream.ayla.com.cn
cn dev mobile wss://mstream-dev.ayla.com.cn/stream https://mdss-dev.ayla.com.cn
cn field cloud wss://stream-field.ayla.com.cn/stream https://stream-field.ayla.com.cn
cn field mobile wss://mstream-field.ayla.com.cn/stream https://mdss-field.ayla.com.cn
eu field cloud wss://stream-field-eu.aylanetworks.com/stream https://stream-field-eu.aylanetworks.com
eu field mobile wss://mstream-field-eu.aylanetworks.com/stream https://mdss-field-eu.aylanetworks.com
us dev cloud wss://stream.aylanetworks.com/stream https://stream.aylanetworks.com
us dev mobile wss://mstream-dev.aylanetworks.com/stream https://mdss-dev.aylanetworks.com
us staging cloud wss://staging-dss.ayladev.com/stream https://staging-dss.ayladev.com
us staging mobile wss://staging-mstream.ayladev.com/stream -
us field cloud wss://stream-field.aylanetworks.com/stream https://stream-field.aylanetworks.com
us field mobile wss://mstream-field.aylanetworks.com/stream https://mdss-field.aylanetworks.com
"""
ROWS = [tuple(line.split()) for line in DOCUMENTED.splitlines()]
REST = {
    ("cn", "dev"): "dev.ayla.com.cn",
    ("cn", "field"): "field.ayla.com.cn",
    ("eu", "field"): "field-eu.aylanetworks.com",
    ("us", "dev"): "dev.aylanetworks.com",
    ("us", "field"): "field.aylanetworks.com",
}


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_each_row_has_its_addresses(row: tuple[str, ...]) -> None:
    """Stream and REST host are the documents'; users and devices have the hosts that public clients use."""
    region, deployment, client_type, stream, subscriptions = row
    hosts = find_hosts(region, deployment, client_type, environ={})
    assert (hosts.stream, hosts.subscriptions or "-") == (stream, subscriptions)
    place = REST.get((region, deployment))
    assert hosts.users == (place and f"https://user-{place}")
    assert hosts.devices == (place and f"https://ads-{place}")


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_a_setting_points_every_name_at_ones_own_server(row: tuple[str, ...]) -> None:
    """With TWINSTREAM_CLOUD the same names lead to one server for all."""
    own = "http://127.0.0.1:8800"
    hosts = find_hosts(*row[:3], environ={"TWINSTREAM_CLOUD": own + "/"})
    assert hosts == Hosts("ws://127.0.0.1:8800/stream", own, own, own)


def test_there_are_no_other_rows() -> None:
    """The table is the documents'."""
    assert list(REGIONS) == [row[:3] for row in ROWS]


@pytest.mark.parametrize("row", [("eu", "dev", "cloud"), ("us", "dev", "user"), ("US", "dev", "cloud")])
@pytest.mark.parametrize("environ", [{}, {"TWINSTREAM_CLOUD": "http://127.0.0.1:8800"}])
def test_a_row_that_is_not_there_is_an_error(row: tuple[str, str, str], environ: dict[str, str]) -> None:
    """A misspelt name is told with those that are known, also where a setting would hide it."""
    with pytest.raises(ValueError, match="us, dev, mobile"):
        find_hosts(*row, environ=environ)


def test_without_a_name_the_setting_must_be_there() -> None:
    """No region means one's own server."""
    assert find_hosts(environ={"TWINSTREAM_CLOUD": "https://h"}).stream == "wss://h/stream"
    with pytest.raises(ValueError, match="TWINSTREAM_CLOUD"):
        find_hosts(environ={})


def test_a_setting_that_is_no_address_is_named() -> None:
    """With what it holds."""
    with pytest.raises(ValueError, match="TWINSTREAM_CLOUD is 'h:8800': that is no address of a server"):
        find_hosts("us", environ={"TWINSTREAM_CLOUD": "h:8800"})


@pytest.mark.parametrize("url", ["h:8800", "ws://h", "http://", "http://h:x", "http://h:0", ""])
def test_what_is_no_address_of_a_server_is_an_error(url: str) -> None:
    """A server is named by http:// or https:// and a host."""
    with pytest.raises(ValueError, match="no address"):
        hosts_of(url)
