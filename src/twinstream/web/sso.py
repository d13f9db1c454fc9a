"""Signing in by an identity provider: `/api/v1/token_sign_in`, `/users/provider_auth`, `/api/v1/ssouser`."""

from __future__ import annotations

from typing import Any, NoReturn
from urllib.parse import parse_qsl

import msgspec
from litestar import Request, post, put
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.model.application import ApplicationKey
from twinstream.model.check import must
from twinstream.model.principal import Operator
from twinstream.service.sso import SsoService
from twinstream.web.authentication import Given
from twinstream.web.body import read_bytes, read_json
from twinstream.web.openapi import describe_body, describe_query
from twinstream.web.query import read_query
from twinstream.wire.body import read_body
from twinstream.wire.json import decode_json
from twinstream.wire.sso import Signed, read_authorization
from twinstream.wire.token import ProviderRequest, SsoTokenReply, TokenSignIn, show_tokens


@post("/api/v1/token_sign_in", status_code=200, operation_class=describe_body(TokenSignIn), tags=["users"])
async def token_sign_in(request: Request[Any, Any, Any], sso: Given[SsoService]) -> SsoTokenReply:
    """Exchange a token of the application's identity provider for tokens of ours; the body is JSON or a form.

    Which provider that is, the operator says: ``PUT /admin/v1/applications/<app_id>/identity_provider``. The first
    time, the user gets an account. 422 for a token that the provider does not know, and where there is no provider;
    404 for a wrong application; 406 for a client that takes no JSON; 503 if the provider does not answer.
    """
    accepted = request.headers.get("accept") or "*/*"
    if not any(kind in accepted for kind in ("*/*", "application/*", "json")):
        raise RequestError("not_acceptable")
    fields = read_body(_read_fields(await read_bytes(request)), TokenSignIn)
    trio = await sso.sign_in(ApplicationKey(fields.app_id, fields.app_secret), fields.token)
    return SsoTokenReply(**msgspec.structs.asdict(show_tokens(trio)))


@post("/users/provider_auth", status_code=200, tags=["users"])
async def provider_auth(request: Request[Any, Any, Any]) -> None:
    """Answer 422: this server has no agreement with Google or Facebook. See ``/api/v1/token_sign_in``."""
    _read_fields(await read_bytes(request))
    _refuse_provider()


@put(
    "/api/v1/ssouser",
    status_code=202,
    operation_class=describe_query(operation="`UPDATE` or `DELETE`.", uuid="The user, as the provider names them."),
    tags=["users"],
)
async def change_sso_user(request: Request[Any, Any, Any], sso: Given[SsoService]) -> None:
    """Take word of an identity provider about one of its users: ``operation=UPDATE|DELETE&uuid=...`` in the query.

    The request is signed with the application's secret; what is not in the query is not covered by the signature, and
    not looked at. ``DELETE`` deletes the account as its user would; after ``UPDATE`` the profile is that of the next
    sign-in, which brings it along. 401 for a signature that is wrong or off by more than 15 s; 403 for an application
    without a provider.
    """
    credential = read_authorization(request.headers.get("authorization") or "")
    if credential is None:
        raise RequestError("unauthorized")
    app_id, signature = credential
    query = tuple((name, value) for name, value in request.query_params.multi_items())
    origin_host = request.headers.get("x-ayla-origin-host") or ""
    date = request.headers.get("x-sso-date") or ""
    signed = Signed("PUT", "/api/v1/ssouser", query, origin_host, date)
    operation, sso_uuid = read_query(request, "operation"), read_query(request, "uuid") or ""
    if operation == "DELETE":
        await sso.delete(app_id, signed, signature, sso_uuid)
        return
    await sso.authenticate(app_id, signed, signature)
    if operation != "UPDATE":
        raise must("operation", "be UPDATE or DELETE")


@put(
    "/admin/v1/applications/{app_id:str}/identity_provider",
    status_code=204,
    operation_class=describe_body(ProviderRequest),
    tags=["admin"],
)
async def configure_provider(
    app_id: FromPath[str], request: Request[Any, Any, Any], operator: Given[Operator], sso: Given[SsoService]
) -> None:
    """Name the identity provider whose users the application's users are: the URL that validates tokens."""
    wanted = read_body(await read_json(request), ProviderRequest)
    await sso.configure(operator, ApplicationKey(app_id, wanted.app_secret), wanted.url)


def _read_fields(content: bytes) -> Any:
    """Read JSON or a form, whatever the content type says: clients disagree with themselves."""
    if content.lstrip()[:1] in (b"{", b"[", b""):
        return decode_json(content)
    try:
        return dict(parse_qsl(content.decode("ascii"), errors="strict", max_num_fields=20))
    except ValueError:
        raise RequestError("bad_request", "The body is neither JSON nor a form.") from None


def _refuse_provider() -> NoReturn:
    raise RequestError("invalid", "This server has no such provider.", field="provider")


ROUTES = [token_sign_in, provider_auth, change_sso_user, configure_provider]
