"""The settings of the server: one declaration each, from which flag, variable, TOML key, message and page come.

Owns names, types, ranges, defaults, descriptions, and what a value must be beside the others. Knows neither where
values come from (`cli/configuration.py`) nor who uses them.

A setting `port` is the flag `--port`, the variable `TWINSTREAM_PORT` and the key `port` of the TOML file.
"""

from __future__ import annotations

import ipaddress
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from twinstream.errors import TwinstreamError


def _about(
    group: str, description: str, *, ge: float | None = None, le: float | None = None, secret: bool = False
) -> Meta:
    return Meta(description=description, ge=ge, le=le, extra={"group": group, "secret": secret})


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a server that its operator can choose. Names end in their unit; times are seconds."""

    data: Annotated[Path, _about("Place", "Folder of the database and the keys; made if it is missing.")] = Path(
        "twinstream-data"
    )
    host: Annotated[
        str,
        _about("Place", "Address to listen on. One that others can reach needs TLS or `behind_proxy`."),
    ] = "127.0.0.1"
    port: Annotated[
        int, _about("Place", "TCP port to listen on; 0 takes a free one and prints it.", ge=0, le=65535)
    ] = 8800
    tls_cert: Annotated[
        Path | None,
        _about("Place", "PEM file of the certificate and its chain; with `tls_key` the server speaks https and wss."),
    ] = None
    tls_key: Annotated[
        Path | None, _about("Place", "PEM file of the certificate's private key, readable by its owner alone.")
    ] = None
    behind_proxy: Annotated[
        bool,
        _about(
            "Place",
            "A proxy in front speaks TLS, so a public address without TLS is meant. It must not share a "
            "connection to the server between devices: who polls again over the same one has read the answer before.",
        ),
    ] = False

    trusted_proxies: Annotated[
        tuple[str, ...],
        _about(
            "Access",
            "Addresses or networks whose `X-Forwarded-For` is believed, and that no limit per address counts.",
        ),
    ] = ()
    allowed_origins: Annotated[
        tuple[str, ...],
        _about(
            "Access",
            "Web origins (`https://host[:port]`) that may use the APIs and `/stream`. Empty: any, since no cookies are "
            "used and a foreign page has no credential to borrow.",
        ),
    ] = ()
    strict_security: Annotated[
        bool,
        _about(
            "Access",
            "Keep stream keys as hashes alone: the API shows a key once, at its creation, and no query string "
            "can carry it, neither of `/stream` nor of `getCurrentSeq`.",
        ),
    ] = False
    token_lifetime_s: Annotated[float, _about("Access", "Lifetime of an access token.", ge=1, le=31_536_000)] = 86_400
    refresh_idle_s: Annotated[
        float,
        _about("Access", "A refresh token that was not used for so long is void; 0: never.", ge=0, le=3_000_000_000),
    ] = 7_776_000

    heartbeat_interval_s: Annotated[
        float, _about("Streams", "Time between two heartbeats `1|Z` on a stream.", ge=0.05, le=300)
    ] = 30
    inbound_timeout_s: Annotated[
        float,
        _about(
            "Streams",
            "A stream from which nothing came for so long is closed with 4408; more than `heartbeat_interval_s`.",
            ge=0.1,
            le=3600,
        ),
    ] = 45
    heartbeat_misses: Annotated[
        int,
        _about(
            "Streams",
            "So many heartbeats without an answer `Z` or `1|Z`, though pongs come, close a stream with 4408; 0: never.",
            ge=0,
            le=1000,
        ),
    ] = 3
    slow_reader_timeout_s: Annotated[
        float,
        _about(
            "Streams",
            "Who takes nothing for so long is cut off: a stream with 4008, an answer just so.",
            ge=0.1,
            le=3600,
        ),
    ] = 30
    ack_flush_s: Annotated[
        float,
        _about(
            "Streams", "How long an acknowledgement may wait for a commit; a lost one only repeats events.", ge=0, le=60
        ),
    ] = 2
    presence_timeout_s: Annotated[
        float,
        _about("Streams", "A device that has not talked for so long is Offline. The demo has 15.", ge=0.1, le=604_800),
    ] = 600

    sessions_per_key: Annotated[int, _about("Limits", "Sockets on one stream key at a time.", ge=1, le=1000)] = 5
    replace_silent_s: Annotated[
        float,
        _about(
            "Limits",
            "One more socket on a full key replaces the one that has been silent longest, if it was silent so long.",
            ge=0,
            le=3600,
        ),
    ] = 35
    sessions_per_address: Annotated[
        int,
        _about(
            "Limits",
            "Sockets from one address at a time; 0: no limit. Loopback and `trusted_proxies` are not counted.",
            ge=0,
            le=1_000_000,
        ),
    ] = 200
    wrong_keys_per_minute: Annotated[
        int,
        _about(
            "Limits",
            "Wrong stream keys from one address in a minute; more are 429 for the rest of it; 0: no limit. "
            "Loopback and `trusted_proxies` are not counted.",
            ge=0,
            le=1_000_000,
        ),
    ] = 10
    subscriptions_per_minute: Annotated[
        int,
        _about("Limits", "Subscriptions that a user makes in a minute; more are 429; 0: no limit.", ge=0, le=1_000_000),
    ] = 120
    max_connections: Annotated[
        int,
        _about("Limits", "Connections at a time; the limit of open files can lower it.", ge=1, le=1_000_000),
    ] = 10_000
    header_timeout_s: Annotated[
        float, _about("Limits", "Time that a client has to send the head of a request.", ge=0.1, le=600)
    ] = 10
    body_timeout_s: Annotated[
        float, _about("Limits", "Time that a client has to send the body of a request.", ge=0.1, le=3600)
    ] = 30
    body_limit_bytes: Annotated[int, _about("Limits", "Longest body of a request.", ge=1024, le=64 * 1024 * 1024)] = (
        1024 * 1024
    )

    retention_age_s: Annotated[
        float,
        _about("Retention", "Age at which an event leaves the log; an OEM can have its own.", ge=1, le=3_000_000_000),
    ] = 604_800
    retention_size_bytes: Annotated[
        int,
        _about(
            "Retention",
            "Size of the log of one OEM beyond which its oldest events leave; an OEM can have its own.",
            ge=64 * 1024,
            le=2**50,
        ),
    ] = 1024 * 1024 * 1024
    datapoint_retention_s: Annotated[
        float,
        _about(
            "Retention",
            "Age at which a datapoint leaves the history; the newest of a property stays.",
            ge=1,
            le=3_000_000_000,
        ),
    ] = 2_592_000
    retention_interval_s: Annotated[
        float, _about("Retention", "Time between two rounds of removing what is not kept any more.", ge=0.1, le=86_400)
    ] = 10
    mobile_expiry_s: Annotated[
        float,
        _about("Retention", "A mobile subscription without a socket for so long is deleted.", ge=1, le=31_536_000),
    ] = 86_400

    confirm_email: Annotated[
        bool,
        _about("Mail", "Who signs up confirms the email address, by a token in a mail, before the first sign-in."),
    ] = True
    smtp_host: Annotated[
        str | None,
        _about("Mail", "Mail server. Without one mails are printed to the terminal, tokens included."),
    ] = None
    smtp_port: Annotated[int, _about("Mail", "Port of the mail server.", ge=1, le=65535)] = 587
    smtp_security: Annotated[
        Literal["starttls", "tls", "none"],
        _about("Mail", "`tls` from the first byte (port 465), `starttls` (587), or `none`, for a server on this host."),
    ] = "starttls"
    smtp_username: Annotated[str | None, _about("Mail", "Name to sign in to the mail server with.")] = None
    smtp_password: Annotated[
        str | None,
        _about(
            "Mail",
            "Password for it. It has no flag, which everybody on the machine could read; a file that holds it is "
            "readable by its owner alone.",
            secret=True,
        ),
    ] = None
    mail_from: Annotated[str, _about("Mail", "Address that mails come from.")] = "twinstream@localhost"

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], _about("Operation", "Least severity that is logged.")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "text"],
        _about("Operation", "`json`: one object a line; `text`: for people; `auto`: text on a terminal, else json."),
    ] = "auto"
    allow_faults: Annotated[
        bool,
        _about(
            "Operation",
            "Owners of subscriptions, and `twinstream faults`, may have their sockets lose, repeat and delay events, "
            "to test clients. Nothing that is stored changes; for servers on which nobody relies.",
        ),
    ] = False
    shutdown_grace_s: Annotated[
        float,
        _about(
            "Operation", "Time over which a stopping server closes its streams and finishes requests.", ge=0, le=300
        ),
    ] = 5


class Setting(NamedTuple):
    """One declaration, read: what a flag, a page and a message need to know of a field of `Settings`."""

    name: str
    annotation: Any
    base: type
    group: str
    description: str
    expected: str
    default: Any
    is_secret: bool

    @property
    def flag(self) -> str:
        """The flag, with its two hyphens."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return "TWINSTREAM_" + self.name.upper()


class SettingError(TwinstreamError):
    """A value, well formed by itself, cannot be: ``name`` is the setting, the text says why and what to do."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(reason)


def check_settings(settings: Settings) -> None:
    """Check what the types cannot say: values that depend on others, addresses and origins.

    Raises:
        SettingError: for the first that cannot be.
    """
    if (settings.tls_cert is None) != (settings.tls_key is None):
        given, absent = ("tls_cert", "tls_key") if settings.tls_key is None else ("tls_key", "tls_cert")
        raise SettingError(given, f"needs {absent} beside it")
    if not (is_loopback(settings.host) or settings.tls_cert or settings.behind_proxy):
        raise SettingError(
            "host",
            f"{settings.host!r} can be reached by others, who would send keys and passwords in the clear; "
            "give tls_cert and tls_key, or behind_proxy if a proxy in front speaks TLS",
        )
    if settings.inbound_timeout_s <= settings.heartbeat_interval_s:
        raise SettingError(
            "inbound_timeout_s", f"must be more than heartbeat_interval_s, which is {settings.heartbeat_interval_s:g}"
        )
    _check_mail(settings)
    for proxy in settings.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            raise SettingError("trusted_proxies", f"{proxy!r} is no address and no network like 10.0.0.0/8") from None
    for origin in settings.allowed_origins:
        if not is_origin(origin):
            raise SettingError(
                "allowed_origins", f"{origin!r} is not of the form https://host[:port]; empty allows any"
            )


def _check_mail(settings: Settings) -> None:
    if (settings.smtp_username is None) != (settings.smtp_password is None):
        given, absent = ("smtp_username", "smtp_password")
        if settings.smtp_username is None:
            given, absent = absent, given
        raise SettingError(given, f"needs {absent} beside it")
    if settings.smtp_password and settings.smtp_security == "none" and not is_loopback(settings.smtp_host or ""):
        raise SettingError("smtp_security", "would send smtp_password in the clear; starttls or tls protects it")
    if "@" not in settings.mail_from or not settings.mail_from.isprintable():
        raise SettingError("mail_from", f"{settings.mail_from!r} is no address like noreply@example.com")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a listener on the host; a name other than localhost counts as public."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_origin(text: str) -> bool:
    """Tell whether the text is a web origin as browsers send it: scheme, host and perhaps a port (RFC 6454)."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    rebuilt = f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")
    return parts.scheme in ("http", "https") and bool(parts.hostname) and rebuilt == text


def _read_declaration(name: str, annotation: Any, default: Any) -> Setting:
    bare, meta = get_args(annotation)
    arms = get_args(bare) if get_origin(bare) in (Union, types.UnionType) else (bare,)
    base = next(arm for arm in arms if arm is not type(None))
    span = f" from {meta.ge:,} to {meta.le:,}" if meta.ge is not None else ""
    expected = {
        bool: "true or false",
        int: f"a whole number{span}",
        float: f"a number{span}",
        str: "an address or a name",
        Path: "a path",
        tuple: "a list of texts (separated by commas in a flag or variable)",
        Literal: "one of " + ", ".join(map(str, get_args(base))),
    }[get_origin(base) or base]
    group, is_secret = meta.extra["group"], meta.extra["secret"]
    return Setting(name, annotation, get_origin(base) or base, group, meta.description, expected, default, is_secret)


def _read_declarations() -> Mapping[str, Setting]:
    defaults = Settings()
    hints = get_type_hints(Settings, include_extras=True)
    return {name: _read_declaration(name, hints[name], getattr(defaults, name)) for name in Settings.__struct_fields__}


SETTINGS: Mapping[str, Setting] = types.MappingProxyType(dict(_read_declarations()))
"""Every setting by name, in the order of declaration."""
