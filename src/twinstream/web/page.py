"""Pages for people, and the documents that they show: the console at `/`, `/openapi.json`, `/asyncapi.json`, the API
browser at `/api`.

Owns what files may be asked for and what the pages may do. Invariant: a page runs only scripts of this server and talks
to this server alone, and whatever it shows as text came from here; there is no inline script.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.web.asyncapi import make_stream_document
from twinstream.web.reference import make_document

_CONTENT_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "txt": "text/plain",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KEEP = "public, max-age=86400"


@get("/", include_in_schema=False)
async def show_console() -> Response[bytes]:
    """Show the console."""
    return _show_page(_list_console()["index.html"])


@get("/console/{path:path}", include_in_schema=False)
async def get_console_file(path: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer a file of the console, anew only if it changed: an upgrade must not mix its modules with older ones."""
    file = _find(_list_console(), path.strip("/"))
    headers = {"cache-control": "no-cache", "etag": file.etag}
    if request.headers.get("if-none-match") == file.etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


@get("/api", include_in_schema=False)
async def show_api_browser() -> Response[bytes]:
    """Show the API browser."""
    return _show_page(_list_files()["api.html"])


@get("/api/stream", include_in_schema=False)
async def show_stream_reference() -> Response[bytes]:
    """Show the description of the stream."""
    return _show_page(_list_files()["stream.html"])


@get("/api/files/{name:str}", include_in_schema=False)
async def get_file(name: FromPath[str]) -> Response[bytes]:
    """Answer a script, a style sheet or a licence of the API browser."""
    file = _find(_list_files(), name)
    return Response(file.content, media_type=file.media_type, headers={"cache-control": _KEEP})


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


ROUTES = [
    show_console,
    get_console_file,
    show_api_browser,
    show_stream_reference,
    get_file,
    get_openapi,
    get_asyncapi,
]


class _File(NamedTuple):
    content: bytes
    media_type: str
    etag: str


def _show_page(page: _File) -> Response[bytes]:
    headers = {"content-security-policy": _POLICY, "cache-control": "no-cache"}
    return Response(page.content, media_type=page.media_type, headers=headers)


def _find(files: dict[str, _File], name: str) -> _File:
    """Answer a file by its name; no other name is ever looked up. Raises RequestError ``not_found``."""
    if name not in files:
        raise RequestError("not_found")
    return files[name]


@cache
def _list_files() -> dict[str, _File]:
    package = resources.files("twinstream.web")
    return _read_folder(package / "pages") | _read_folder(package / "vendor" / "swagger-ui")


@cache
def _list_console() -> dict[str, _File]:
    package = resources.files("twinstream.web")
    return _read_folder(package / "console") | _read_folder(package / "vendor" / "console", "vendor/")


def _read_folder(folder: Traversable, prefix: str = "") -> dict[str, _File]:
    """Read the files of a folder and its folders, by their paths below it."""
    files: dict[str, _File] = {}
    for entry in folder.iterdir():
        kind = entry.name.rpartition(".")[2]
        if entry.is_dir():
            files |= _read_folder(entry, f"{prefix}{entry.name}/")
        elif kind in _CONTENT_TYPES:
            content = entry.read_bytes()
            files[prefix + entry.name] = _File(content, _CONTENT_TYPES[kind], f'"{sha256(content).hexdigest()[:32]}"')
    return files
