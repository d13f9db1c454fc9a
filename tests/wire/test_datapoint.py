"""Reading the bodies of datapoints: the fast way must be the strict way, only faster."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twinstream.errors import RequestError
from twinstream.wire import datapoint as wire

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
ANY = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
)
FIELDS = st.dictionaries(
    st.sampled_from(["value", "metadata", "name", "base_type", "echo", "dev_time_ms", "other"]),
    ANY | st.dictionaries(st.text(max_size=2), st.text(max_size=2), max_size=2),
    max_size=4,
)
ITEM = st.fixed_dictionaries(
    {}, optional={"datapoint": FIELDS | ANY, "dsn": PLAIN, "name": PLAIN, "batch_id": ANY, "x": ANY}
)


def outcome(read: Any, body: bytes) -> object:
    """What a reader answers, or the refusal."""
    try:
        answer = read(body)
    except RequestError as refusal:
        return refusal.code, refusal.field, refusal.message
    if isinstance(answer, list):
        return [(item.code, item.field) if isinstance(item, RequestError) else item for item in answer]
    return answer


def encode(value: object, *, escape: bool) -> bytes:
    """Write JSON with or without escapes."""
    return json.dumps(value, ensure_ascii=escape).encode("utf-8", "surrogatepass")


@given(st.fixed_dictionaries({}, optional={"datapoint": FIELDS | ANY, "other": ANY}), st.booleans())
@example({"datapoint": {"value": [[1]]}}, False)
def test_a_datapoint_is_read_alike_both_ways(body: object, escape: bool) -> None:
    """Whatever JSON comes, the fast way answers what the strict way answers."""
    text = encode(body, escape=escape)
    assert repr(outcome(wire.read_datapoint, text)) == repr(outcome(wire._read_slowly, text))


@given(st.fixed_dictionaries({"batch_datapoints": st.lists(ITEM, max_size=3) | ANY}), st.booleans())
def test_a_batch_is_read_alike_both_ways(body: object, escape: bool) -> None:
    """Whatever JSON comes, the fast way answers what the strict way answers."""
    text = encode(body, escape=escape)
    assert repr(outcome(wire.read_batch, text)) == repr(outcome(wire._read_batch_slowly, text))


@given(FIELDS, st.sampled_from(["value", "echo", "metadata", "new", ""]), ANY)
def test_a_member_that_comes_twice_is_seen(fields: dict[str, object], name: str, value: object) -> None:
    """However the two are written, and whatever they say."""
    members = [f"{json.dumps(key)}:{json.dumps(held)}" for key, held in fields.items()]
    twice = [f"{json.dumps(name)}:{json.dumps(held)}" for held in (value, value)]
    text = ('{"datapoint":{' + ",".join([*twice, *members]) + "}}").encode()
    if "NaN" in text.decode() or "Infinity" in text.decode():
        return
    with pytest.raises(RequestError) as caught:
        wire.read_datapoint(text)
    assert caught.value.code in ("bad_json", "invalid")


@pytest.mark.parametrize(
    "text",
    [
        b'{"datapoint":{"value":1,"metadata":{}}}',
        b'{"datapoint": {"value": "x", "metadata": {"a": "b", "c": ""}}}',
        b'{"datapoint":{"name":"t","base_type":"decimal","value":-1.5,"dev_time_ms":1500000000000}}',
        '{"datapoint":{"value":"\u00e9\U0001f600|Z"}}'.encode(),
    ],
)
def test_plain_bodies_go_the_fast_way(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What clients and devices usually send needs no strict reading."""

    def refuse(_: bytes) -> None:
        raise AssertionError

    monkeypatch.setattr(wire, "_read_slowly", refuse)
    assert wire.read_datapoint(text).value is not None
