"""Pages for people, and the documents that they show: `/openapi.json`, `/asyncapi.json`, the API browser at `/api`.

Owns what files may be asked for and what the pages may do. Invariant: a page runs only scripts of this server and talks
to this server alone, and whatever it shows as text came from here; there is no inline script.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Redirect

from twinstream.errors import RequestError
from twinstream.web.asyncapi import make_stream_document
from twinstream.web.reference import make_document

_CONTENT_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "txt": "text/plain",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KEEP = "public, max-age=86400"


@get("/", include_in_schema=False)
async def show_start() -> Redirect:
    """Lead to the API browser."""
    return Redirect("/api", status_code=302)


@get("/api", include_in_schema=False)
async def show_api_browser() -> Response[bytes]:
    """Show the API browser."""
    return _show_page("api.html")


@get("/api/stream", include_in_schema=False)
async def show_stream_reference() -> Response[bytes]:
    """Show the description of the stream."""
    return _show_page("stream.html")


@get("/api/files/{name:str}", include_in_schema=False)
async def get_file(name: FromPath[str]) -> Response[bytes]:
    """Answer a script, a style sheet or a licence of the pages."""
    content, kind = _read_file(name)
    return Response(content, media_type=_CONTENT_TYPES[kind], headers={"cache-control": _KEEP})


@get("/openapi", include_in_schema=False)
async def get_openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer the description of the REST APIs."""
    state = request.app.state
    if "openapi" not in state:
        state["openapi"] = msgspec.json.encode(make_document(request.app.routes))
    return Response(state["openapi"], media_type="application/vnd.oai.openapi+json")


@get("/asyncapi", include_in_schema=False)
async def get_asyncapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer the description of the stream."""
    document = make_stream_document(request.url.netloc, is_secure=request.url.scheme == "https")
    return Response(msgspec.json.encode(document), media_type="application/vnd.aai.asyncapi+json")


ROUTES = [show_start, show_api_browser, show_stream_reference, get_file, get_openapi, get_asyncapi]


def _show_page(name: str) -> Response[bytes]:
    content, kind = _read_file(name)
    return Response(content, media_type=_CONTENT_TYPES[kind], headers={"content-security-policy": _POLICY})


def _read_file(name: str) -> tuple[bytes, str]:
    """Answer a file and its kind. Raises RequestError ``not_found``."""
    files = _list_files()
    if name not in files:
        raise RequestError("not_found")
    return files[name].read_bytes(), name.rpartition(".")[2]


@cache
def _list_files() -> dict[str, Any]:
    """Answer the files by name; no other name is ever looked up."""
    package = resources.files("twinstream.web")
    folders = (package / "pages", package / "vendor" / "swagger-ui")
    return {
        file.name: file
        for folder in folders
        for file in folder.iterdir()
        if file.name.rpartition(".")[2] in _CONTENT_TYPES
    }
