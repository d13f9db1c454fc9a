"""Pseudonyms: stable by seed, of the right shape, and nothing of the original left."""

from __future__ import annotations

import ipaddress
import json
import re
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recording.tapes import DSN, USER, datapoint, location
from twinstream.recording.pseudonym import KINDS, NOBODY, Pseudonyms, read_kinds

SHAPE = re.compile(r"AC[0-9]{3}W[0-9]{9}")


def scrub(text: str, kinds: tuple[str, ...] = KINDS, seed: str = "s") -> Any:
    """One event with pseudonyms, decoded."""
    return json.loads(Pseudonyms(kinds, seed).scrub(text))


def test_shapes() -> None:
    """A serial number looks like one, a user like a UUID, an address like an address, a place like a place."""
    event = scrub(location(1, " 44.769500", "-69.428300"))
    body = event["location_event"]
    assert SHAPE.fullmatch(body["dsn"])
    assert body["dsn"] == event["metadata"]["dsn"] != DSN
    assert str(uuid.UUID(body["user_uuid"])) == body["user_uuid"] != USER
    assert uuid.UUID(body["user_uuid"]).version == 4
    assert ipaddress.ip_address(body["ip"]) in ipaddress.ip_network("10.0.0.0/8")
    assert re.fullmatch(r"[ -][0-9]{1,2}\.[0-9]{6}", body["lat"])
    assert re.fullmatch(r"-?[0-9]{1,3}\.[0-9]{6}", body["long"])
    assert (body["lat"], body["long"]) != (" 44.769500", "-69.428300")


def test_the_same_seed_makes_the_same_pseudonyms() -> None:
    """In every recording; another seed makes others."""
    text = location(1, " 44.769500", "-69.428300")
    assert scrub(text) == scrub(text) != scrub(text, seed="t")
    assert Pseudonyms(KINDS, "s").check == Pseudonyms(KINDS, "s").check != Pseudonyms(KINDS, "t").check


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_asked_for_is_replaced(kind: str) -> None:
    """The other kinds stay."""
    text = location(1, " 44.769500", "-69.428300")
    before, after = json.loads(text)["location_event"], scrub(text, (kind,))["location_event"]
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"dsn": {"dsn"}, "user": {"user_uuid"}, "ip": {"ip"}, "location": {"lat", "long"}}[kind]


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (f"unit {DSN} is warm", DSN),
        (f"https://h/dsns/{DSN}.json?x=({DSN.lower()})", DSN),
        (f"x{DSN}y", DSN),
        ('{"dsn":"AC000W000340649"}', "AC000W000340649"),
        ("mail anna.berg+home@mail.example.de now", "anna"),
        ("to=anna%40example.de&x", "anna"),
        ("<jürgen@müller.example>", "ller.example>"),
        (f"user {USER.upper()}!", USER),
        (f"user {USER.replace('-', '')}!", USER.replace("-", "")),
        ("from 67.255.234.73:8080, and 192.168.0.7.", "255.234"),
        ("192.168.0.7.", "192.168"),
        ("via [2001:db8:12::7]:443", "2001:db8"),
        ("fe80::1ff:fe23:4567:890a", "fe80"),
        ("::ffff:67.255.234.73", "67.255"),
        (f"user_{USER}_x", USER),
        (f"id-a{USER}", USER),
        ("SN-12-Q of ours", "SN-12-Q"),
        ("dev_SN-12-Q-7_sn-12-q", "SN-12-Q"),
    ],
)
def test_nothing_is_left_inside_of_texts(value: str, left: str) -> None:
    """Serial numbers, e-mail addresses, users and IP addresses are found in values, keys, tags, and JSON in strings."""
    pseudonyms = Pseudonyms(KINDS, "s")
    pseudonyms.learn(datapoint(1, dsn="SN-12-Q"))
    pseudonyms.learn(datapoint(2))
    event = json.loads(datapoint(3, value))
    event["metadata"]["resource_tags"] = [value]
    event["datapoint"]["metadata"] = {value: "1", "key": value}
    scrubbed = pseudonyms.scrub(json.dumps(event, ensure_ascii=False))
    told = json.dumps(json.loads(scrubbed), ensure_ascii=False).lower()
    assert left.lower() not in told
    assert told.count(json.loads(scrubbed)["datapoint"]["value"].replace('"', '\\"').lower()) == 4


@given(st.text(), st.sampled_from([DSN, DSN.lower(), USER, "anna.berg@example.de"]), st.text())
def test_nothing_is_left_whatever_stands_around(before: str, secret: str, after: str) -> None:
    """In any text, escaped or not."""
    pseudonyms = Pseudonyms(KINDS, "s")
    scrubbed = json.loads(pseudonyms.scrub(datapoint(1, before + secret + after)))["datapoint"]["value"]
    assert secret not in scrubbed
    assert "example.de" not in scrubbed


@pytest.mark.parametrize(
    "value",
    ["10:24:57", "00:11:22:33:44:55", "std::vector", "1.2.3", "a@b", "127.0.0.1", "::1", "version 3.4", "W1000 300"],
)
def test_what_is_nobodys_stays(value: str) -> None:
    """Times, versions, hardware addresses and loopback addresses are left alone, and so is the text around."""
    assert scrub(datapoint(1, value))["datapoint"]["value"] == value


@pytest.mark.parametrize("key", ["status", "state", "provider", "at", "seq", "created_at"])
@pytest.mark.parametrize("secret", [DSN, USER, "joe@acme.com", "192.168.1.2"])
def test_a_key_of_the_protocol_hides_nothing(key: str, secret: str) -> None:
    """A datapoint's own metadata may have such keys, and anything under them."""
    event = json.loads(datapoint(1, "v"))
    event["datapoint"]["metadata"] = {key: f"for {secret}", "note": secret}
    text = json.dumps(event)
    pseudonyms = Pseudonyms(KINDS, "s")
    pseudonyms.learn(text)
    assert secret not in pseudonyms.scrub(text)


def test_the_protocol_stays_what_it_is() -> None:
    """A device called `1` or `datapoint` changes no number, type or name; null and the redacted user stay."""
    pseudonyms = Pseudonyms(KINDS, "s")
    for dsn in ("1", "datapoint", "Online"):
        pseudonyms.learn(datapoint(1, dsn=dsn))
    event = json.loads(pseudonyms.scrub(datapoint(1, user=NOBODY)))
    assert event["seq"] == "1"
    assert event["metadata"]["event_type"] == "datapoint"
    assert event["datapoint"]["user_uuid"] == NOBODY
    assert event["datapoint"]["created_at"] == "2018-09-24T10:25:14Z"
    assert event["datapoint"]["created_at_from_device"] is None


def test_a_device_moves_as_a_whole() -> None:
    """The places of one device keep their distances, those of two devices don't."""
    pseudonyms = Pseudonyms(KINDS, "s")

    def place(lat: str, long: str, dsn: str = DSN) -> tuple[float, float]:
        body = json.loads(pseudonyms.scrub(location(1, lat, long, dsn)))["location_event"]
        return float(body["lat"]), float(body["long"])

    first, second = place(" 1.500000", " 10.250000"), place(" 2.500000", " 10.500000")
    assert second[0] - first[0] == pytest.approx(1, abs=1e-5)
    assert (second[1] - first[1]) % 360 == pytest.approx(0.25, abs=1e-5)
    assert place(" 1.500000", " 10.250000", "AC000W000000001") != first


@given(st.floats(-90, 90), st.floats(-180, 180), st.text("0123456789", min_size=1, max_size=9))
def test_places_stay_on_earth(lat: float, long: float, seed: str) -> None:
    """Whatever the place and the seed."""
    body = scrub(location(1, f"{lat: .6f}", f"{long:.6f}"), seed=seed)["location_event"]
    assert -90 <= float(body["lat"]) <= 90
    assert -180 <= float(body["long"]) <= 180


def test_a_list_of_devices_is_a_list_of_pseudonyms() -> None:
    """As subscriptions have it."""
    scrubbed = scrub(datapoint(1, dsn="AC000W000000001,AC000W000000002"))["metadata"]["dsn"].split(",")
    assert all(map(SHAPE.fullmatch, scrubbed))
    assert scrub(datapoint(1, dsn="AC000W000000002"))["metadata"]["dsn"] == scrubbed[1]


def test_lists_of_kinds() -> None:
    """Separated by commas, or all."""
    assert read_kinds("ip, dsn") == ("dsn", "ip")
    assert read_kinds("all") == KINDS
    with pytest.raises(ValueError, match="'name' cannot be replaced; what can: dsn, user, ip, location, or all"):
        read_kinds("dsn,name")
