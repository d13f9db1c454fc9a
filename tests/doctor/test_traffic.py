"""The samples are legal: nobody can be blamed for reading them by the documents."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from twinstream.doctor.message_case import MESSAGE_CASES, MessageCase
from twinstream.doctor.traffic import Traffic

FITS: dict[str, Callable[[object], bool]] = {
    "boolean": lambda value: value in (0, 1, None),
    "integer": lambda value: isinstance(value, int),
    "string": lambda value: isinstance(value, str),
}


@pytest.mark.parametrize("case", [case for _, _, case in MESSAGE_CASES], ids=[name for name, _, _ in MESSAGE_CASES])
def test_a_value_fits_its_base_type(case: MessageCase) -> None:
    """A client that reads values by the type of their property reads all of them."""
    for sample in case.make(Traffic(1, "2026-11-21T05:00:00Z")).samples:
        event = json.loads(sample.text)
        if "datapoint" in event:
            assert FITS[event["metadata"]["base_type"]](event["datapoint"]["value"])
