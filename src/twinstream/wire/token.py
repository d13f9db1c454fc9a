"""Bodies of signing in, refreshing and signing out."""

from __future__ import annotations

import msgspec

from twinstream.model.application import ApplicationKey
from twinstream.model.token import TokenTrio
from twinstream.wire.body import read_body, unwrap


class SignInFields(msgspec.Struct, frozen=True):
    """What stands in ``user``; some clients leave out the application."""

    email: str
    password: str
    application: ApplicationKey | None = None


class SignIn(msgspec.Struct, frozen=True):
    """``{"user": {"email", "password", "application": {"app_id", "app_secret"}}}``."""

    user: SignInFields


class Refresh(msgspec.Struct, frozen=True):
    """``{"user": {"refresh_token"}}``, also without the wrapper."""

    refresh_token: str


class SignOut(msgspec.Struct, frozen=True):
    """``{"user": {"access_token"}}``, also without the wrapper."""

    access_token: str


class TokenReply(msgspec.Struct, frozen=True):
    """The tokens as every client expects them; ``expires_in`` in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    role: str
    role_tags: tuple[str, ...] = ()


class TokenSignIn(msgspec.Struct, frozen=True):
    """A token of the identity provider, and the application; as JSON or as a form."""

    token: str
    app_id: str
    app_secret: str


class ProviderRequest(msgspec.Struct, frozen=True):
    """The identity provider's address for validating tokens, and the application's secret once more."""

    url: str
    app_secret: str


class SsoTokenReply(TokenReply, frozen=True, kw_only=True):
    """The tokens, and the word ``ok``."""

    code: str = "ok"


def read_sign_in(body: object) -> SignInFields:
    """Read a sign-in. Raises RequestError ``invalid``."""
    return read_body(body, SignIn).user


def read_refresh(body: object) -> str:
    """Read the refresh token. Raises RequestError ``invalid``."""
    return read_body(unwrap(body, "user"), Refresh).refresh_token


def read_sign_out(body: object) -> str:
    """Read the access token. Raises RequestError ``invalid``."""
    return read_body(unwrap(body, "user"), SignOut).access_token


def show_tokens(trio: TokenTrio) -> TokenReply:
    """Write the tokens."""
    return TokenReply(trio.access_token, trio.refresh_token, trio.expires_in_s, trio.role)
