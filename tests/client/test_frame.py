"""Messages taken apart, whatever LEN counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinstream.client.error import MessageError
from twinstream.client.frame import split_message

UNITS: dict[str, Callable[[str], int]] = {
    "characters": len,
    "bytes": lambda text: len(text.encode()),
    "UTF-16 units": lambda text: len(text.encode("utf-16-le")) // 2,
    "anything": lambda text: 7,
}


def test_a_message_may_carry_several_records() -> None:
    """A batch is `LEN|JSON` one after the other, and a bar inside JSON splits nothing."""
    assert split_message('9|{"a":"|"}2|{}') == ['{"a":"|"}', "{}"]


@pytest.mark.parametrize("unit", UNITS)
@given(objects=st.lists(st.dictionaries(st.text(max_size=5), st.text(), max_size=3), min_size=1, max_size=5))
def test_any_reading_of_the_length_will_do(unit: str, objects: list[dict[str, str]]) -> None:
    """Text beyond ASCII may come as it is, and LEN may count characters, bytes or UTF-16 units, or be wrong."""
    texts = [_dump(fields) for fields in objects]
    message = "".join(f"{UNITS[unit](text)}|{text}" for text in texts)
    assert split_message(message) == texts
    assert split_message(message.encode()) == texts


@pytest.mark.parametrize("value", ["|Z", "1|Z", "9|{}", "}2|{}", "\\", '"', "{"])
def test_what_looks_like_framing_in_a_value_is_text(value: str) -> None:
    """Neither a heartbeat nor a record inside of JSON is one."""
    text = _dump({"value": value})
    assert split_message(f"{len(text)}|{text}") == [text]


@pytest.mark.parametrize("sign", ["1|X", "Z", "ok"])
def test_other_signs_are_passed_over(sign: str) -> None:
    """Short messages that some servers send mean nothing to a reader."""
    assert split_message(sign) == []


@pytest.mark.parametrize(
    "message",
    ["{}{}", "-2|{}", "|{}", "0|123", "2|{}x", "\u0662|{}", "2|[1]", "1" * 5000 + "|{}", "0" * 10 + "2|{}", "2|{" * 99],
)
def test_what_is_no_record_is_refused(message: str) -> None:
    """Without digits, a bar and a whole object there is nothing to go by."""
    with pytest.raises(MessageError):
        split_message(message)


def test_white_space_behind_an_object_is_passed_over() -> None:
    """A pretty-printed object with a line break at its end is one record."""
    assert split_message('323|{\n  "seq": "1"\n} \n') == ['{\n  "seq": "1"\n}']


@pytest.mark.parametrize("record", ["2|{}", "1|{}"])
def test_many_small_records_cost_what_they_hold(record: str) -> None:
    """A message of 1 MB is taken apart in time that grows with its size, however small its records are."""
    began_s = process_time()
    assert len(split_message(record * 250_000)) == 250_000
    assert process_time() - began_s < 4


def _dump(fields: dict[str, str]) -> str:
    encodable = {
        key.encode(errors="replace").decode(): v.encode(errors="replace").decode() for key, v in fields.items()
    }
    return json.dumps(encodable, ensure_ascii=False, separators=(",", ":"))
