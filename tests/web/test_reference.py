"""The OpenAPI document: complete, true, and readable without anything else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import jsonschema
import msgspec
import pytest
from litestar import Request, get, post
from litestar.params import FromPath

from tests.web.described import describing
from twinstream.errors import REQUEST_ERRORS, RequestError
from twinstream.model.principal import User
from twinstream.web.authentication import Given
from twinstream.web.error import encode_error
from twinstream.web.openapi import describe_body, describe_query
from twinstream.web.reference import find_envelope, split_docstring
from twinstream.web.reference_text import PATH_PARAMETERS, TAGS

PATHS = ["/users/sign_in", "/users", "/api/v1/users/x", "/apiv1/x", "/dev/v1/x", "/devices/1", "/dsns/x"]
PATHS += ["/api/v1/subscriptions", "/api/v1/oemAccessRules", "/stream", "/healthz", "/admin/v1/oems"]
"""One of each service."""


class Lamp(msgspec.Struct):
    """A lamp."""

    name: str
    lit: bool = False


@post("/apiv1/lamps/{dsn:str}", status_code=201, operation_class=describe_body(Lamp), tags=["devices"])
async def create_lamp(dsn: FromPath[str], request: Request[Any, Any, Any], user: Given[User]) -> Lamp:
    """Answer a lamp: ``lit`` or not. It is new."""
    raise RequestError("internal")


_LAMPS = describe_query("limit", limit="How many.", **{"names[]": "Which."})


@get("/apiv1/lamps", operation_class=_LAMPS, tags=["devices"])
async def list_lamps() -> list[Lamp]:
    """List lamps, ``lit`` or not."""
    return []


@get("/apiv1/hidden", include_in_schema=False)
async def hide() -> None:
    """Do nothing."""


async def read_document(client: httpx.AsyncClient) -> Any:
    """Fetch the document."""
    response = await client.get("/openapi.json")
    assert response.headers["content-type"] == "application/vnd.oai.openapi+json"
    return response.json()


@pytest.fixture
async def document() -> AsyncIterator[Any]:
    """The document of all routes."""
    async with describing() as client:
        yield await read_document(client)


def list_operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Answer path, method and operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


async def test_an_operation_is_made_of_its_handler() -> None:
    """Docstring, body, query, answer, caller and the errors of its service are described."""
    async with describing([create_lamp, list_lamps, hide]) as client:
        document = await read_document(client)
    assert list(document["paths"]) == ["/apiv1/lamps/{dsn}", "/apiv1/lamps"]
    made = document["paths"]["/apiv1/lamps/{dsn}"]["post"]
    assert (made["summary"], made["description"]) == ("Get a lamp", "`lit` or not. It is new.")
    assert made["security"] == [{"userToken": []}]
    assert made["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Lamp"}
    assert list(made["responses"]) == ["201", "400", "401", "403", "404", "415", "422", "default"]
    (refused,) = made["responses"]["404"]["content"].values()
    assert refused["schema"] == {"$ref": "#/components/schemas/DeviceError"}
    assert refused["example"]["error"]["code"] == 404
    assert document["components"]["schemas"]["Lamp"]["required"] == ["name"]
    listed = document["paths"]["/apiv1/lamps"]["get"]
    assert listed["security"] == []
    assert listed["summary"] == "List lamps, lit or not"
    assert [(one["name"], one["schema"]["type"], one["required"]) for one in listed["parameters"]] == [
        ("limit", "string", True),
        ("names[]", "array", False),
    ]


async def test_every_operation_can_be_understood(document: Any) -> None:
    """Each has a known group, a summary in words, a name of its own, and each segment of its path is explained."""
    names = [operation["operationId"] for _, _, operation in list_operations(document)]
    assert len(names) == len(set(names)) > 50
    for path, method, operation in list_operations(document):
        where = f"{method} {path}"
        assert set(operation["tags"]) <= TAGS.keys(), f"{where}: add its tag to TAGS in web/reference_text.py"
        assert " " in operation["summary"], where
        assert len(operation["summary"]) < 120, where
        for name in re.findall(r"{(\w+)}", path):
            assert name in PATH_PARAMETERS, f"{where}: add {name} to PATH_PARAMETERS in web/reference_text.py"


async def test_the_document_names_no_file_that_its_readers_lack(document: Any) -> None:
    """Nothing points to notes or modules of the source."""
    assert re.findall(r"[\w-]*facts|\w+\.md|bad-inputs|twinstream\.\w+\.\w+|:class:|``", json.dumps(document)) == []


async def test_references_lead_somewhere(document: Any) -> None:
    """Every $ref names a component that there is, and every component is named."""
    text = json.dumps(document)
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert named == document["components"]["schemas"].keys()


@pytest.mark.parametrize("path", PATHS)
def test_errors_have_the_form_that_is_described(path: str) -> None:
    """What is answered for every code fits the schema of the service."""
    envelope = find_envelope(path)
    for code in REQUEST_ERRORS:
        _, body = encode_error(path, RequestError(code, field="name"), "1")
        answer = json.loads(body)
        jsonschema.validate(answer, dict(envelope.schema))
        assert answer.keys() <= envelope.schema["properties"].keys()


def test_docstrings_are_parted_at_the_first_sentence() -> None:
    """A full stop, colon or semicolon ends the summary."""
    assert split_docstring("Do it: or not. Well.") == ("Do it", "Or not. Well.")
    assert split_docstring("Answer `/x.json`.") == ("Get `/x.json`", "")
    assert split_docstring("Answer 200 always.") == ("Answer 200 always", "")


async def test_what_the_caller_shows_is_described_everywhere(document: Any) -> None:
    """Only what needs no credential, or carries it in its body or a signed address, is described without."""
    free = {path for path, _, operation in list_operations(document) if not operation["security"]}
    signing_in = {"sign_in", "refresh_token", "sign_out", "provider_auth", "password", "confirmation"}
    expected = {f"/users/{name}" for name in signing_in} | {"/users", "/api/v1/token_sign_in", "/api/v1/ssouser"}
    assert free == expected | {"/files/{datapoint_id}", "/healthz", "/readyz", "/metrics", "/ping"}


PRINT_IT = """
import asyncio
from tests.web.described import describing

async def read():
    async with describing() as client:
        return (await client.get("/openapi.json")).text

print(asyncio.run(read()))
"""


def test_the_document_is_the_same_at_every_start() -> None:
    """Whatever order sets have in an interpreter: who keeps the document sees what has changed, and nothing else."""
    documents = {
        subprocess.run(
            [sys.executable, "-c", PRINT_IT],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(documents) == 1
