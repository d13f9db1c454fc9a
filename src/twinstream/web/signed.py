"""Addresses in answers: absolute, as the client itself reached the server."""

from __future__ import annotations

from typing import Any

from twinstream.model.content import locate
from twinstream.model.datapoint import Content
from twinstream.model.value import Value
from twinstream.service.content import ContentService


class RequestLinks:
    """Addresses for the answer to one request. Implements `wire.datapoint.Links`.

    A device (``to_device``) is told locations in its own form, ``/<property key>/<datapoint id>``.
    """

    def __init__(self, contents: ContentService, scope: Any, *, to_device: bool = False) -> None:
        self._contents = contents
        self._scope = scope
        self._to_device = to_device

    def sign(self, method: str, datapoint_id: str) -> str:
        """Sign an address of the bytes."""
        expires, signature = self._contents.sign(method, datapoint_id)
        return f"{self._base()}/files/{datapoint_id}?expires={expires}&signature={signature}"

    def locate(self, content: Content, datapoint_id: str) -> str:
        """Locate the datapoint."""
        if self._to_device:
            return f"/{content.property_key}/{datapoint_id}"
        return self._base() + locate(content.property_key, datapoint_id)

    def resolve(self, path: Value | None) -> Value | None:
        """Complete a path."""
        return f"{self._base()}{path}" if isinstance(path, str) else path

    def _base(self) -> str:
        headers = dict(self._scope["headers"])
        forwarded = headers.get(b"x-forwarded-proto")  # Why from anyone: it changes the sender's own answer only
        scheme = "https" if forwarded == b"https" else self._scope["scheme"]
        return f"{scheme}://{headers.get(b'host', b'localhost').decode('latin-1')}"
