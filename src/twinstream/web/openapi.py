"""The description of the API: how handlers say what their signatures do not show.

Handlers read raw bodies (`web.body`) and queries (`web.query`), so they name both in their decorator; `web.reference`
makes the document of it, which is served at ``/openapi.json``::

    @post("/api/v1/subscriptions", operation_class=describe_body(SubscriptionRequest))
    @get("/apiv1/devices", operation_class=describe_query(page="Number of the page, from 1."))

The first sentence of the docstring is the summary, the rest the description; the return annotation is the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, cast

from litestar.openapi.spec import Operation


class Described(Operation):
    """What a handler says of itself; see `describe_body`."""

    body_type: ClassVar[Any] = None
    body_required: ClassVar[bool] = True
    body_media_type: ClassVar[str] = "application/json"
    body_description: ClassVar[str | None] = None
    query: ClassVar[Mapping[str, str]] = {}
    required_query: ClassVar[Collection[str]] = ()
    headers: ClassVar[Mapping[str, str]] = {}
    answer_media_type: ClassVar[str] = "application/json"
    caller: ClassVar[str | None] = None


def describe_body(
    body_type: Any = None,
    *,
    required: bool = True,
    description: str | None = None,
    media_type: str = "application/json",
    query: Mapping[str, str] | None = None,
    required_query: Collection[str] = (),
    headers: Mapping[str, str] | None = None,
    answer_media_type: str = "application/json",
    caller: str | None = None,
) -> type[Operation]:
    """Make the operation class of a handler.

    Args:
        body_type: of the JSON body, anything that msgspec can describe; ``bytes`` with another ``media_type``;
            None: there is none.
        required: False if the body may be left out.
        description: of the body.
        media_type: of the body.
        query: what each parameter of the query means, by name; ``names[]`` may be repeated.
        required_query: the names of those that may not be left out.
        headers: what each header of the request that matters means, by name.
        answer_media_type: of the answer.
        caller: who calls, where no parameter of the handler tells: ``user``, ``device`` or ``stream``.
    """
    described = {
        "body_type": body_type,
        "body_required": required,
        "body_media_type": media_type,
        "body_description": description,
        "query": query or {},
        "required_query": required_query,
        "headers": headers or {},
        "answer_media_type": answer_media_type,
        "caller": caller,
    }
    return cast(type[Operation], type("DescribedOperation", (Described,), described))


def describe_query(*required: str, **query: str) -> type[Operation]:
    """Make the operation class of a handler without a body, ``required`` naming parameters; see `describe_body`."""
    return describe_body(query=query, required_query=required)
