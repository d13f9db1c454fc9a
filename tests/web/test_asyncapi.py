"""The AsyncAPI document: valid, and true of what the stream sends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.web.described import describing
from twinstream.errors import CLOSE_CODES
from twinstream.model.event import EventType
from twinstream.web.asyncapi import STREAM_QUERY, make_stream_document
from twinstream.web.handshake import KNOWN_PARAMETERS

SCHEMA = json.loads((Path(__file__).parent / "vendor" / "asyncapi-3.0.0.json").read_text())
DOCUMENT = make_stream_document("server.example", is_secure=True)
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]


def validate(message: Any, name: str) -> None:
    """Hold a message against the schema that the document has for it."""
    schema = MESSAGES[name]["payload"] | {"components": DOCUMENT["components"]}
    jsonschema.Draft7Validator({"allOf": [MESSAGES[name]["payload"]], **schema}).validate(message)


def test_it_is_valid() -> None:
    """The document is what AsyncAPI 3.0 allows."""
    jsonschema.Draft7Validator(SCHEMA).validate(DOCUMENT)


async def test_it_is_served_for_the_host_that_was_asked() -> None:
    """Host and protocol are those by which the document was fetched."""
    async with describing() as client:
        document = (await client.get("/asyncapi.json")).json()
    assert document["servers"]["this"] | {"security": None} == {
        "host": "server.example:8443",
        "protocol": "wss",
        "security": None,
    }


def test_it_has_every_type_of_event_parameter_and_close_code() -> None:
    """Nothing that the stream knows is missing."""
    assert MESSAGES.keys() - {"heartbeat", "answer"} == {str(kind.value) for kind in EventType}
    assert STREAM_QUERY.keys() == KNOWN_PARAMETERS
    assert [row["code"] for row in DOCUMENT["channels"]["stream"]["x-close-codes"]] == list(CLOSE_CODES)


@pytest.mark.parametrize("name", MESSAGES)
def test_examples_fit_their_schemas(name: str) -> None:
    """Each example is valid; the record shown is the example with its length in front."""
    payload = MESSAGES[name]["examples"][0]["payload"]
    validate(payload, name)
    if "x-record" in MESSAGES[name]:
        length, _, text = MESSAGES[name]["x-record"].partition("|")
        assert (int(length), json.loads(text)) == (len(text), payload)


@pytest.mark.parametrize("name", [str(kind.value) for kind in EventType])
def test_schemas_refuse_what_is_something_else(name: str) -> None:
    """A message without its number, or of another type, does not fit."""
    payload = MESSAGES[name]["examples"][0]["payload"]
    metadata = payload["metadata"]
    for wrong in (
        {key: value for key, value in payload.items() if key != "seq"},
        payload | {"metadata": metadata | {"event_type": "other"}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            validate(wrong, name)


def test_it_names_no_file_that_its_readers_lack() -> None:
    """Nothing points to notes or modules of the source."""
    assert re.findall(r"facts|\w+\.md|twinstream\.\w+\.\w+", json.dumps(DOCUMENT)) == []
