"""The declarations of the settings, and what a value must be beside the others."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from scripts.write_settings import PAGE, render_page
from twinstream.settings import SETTINGS, Setting, SettingError, Settings, check_settings, is_loopback, is_origin


def test_the_defaults_are_in_order() -> None:
    """A server with no settings at all starts, for this machine alone."""
    check_settings(Settings())
    assert is_loopback(Settings().host)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS.keys())
def test_every_setting_is_documented(setting: Setting) -> None:
    """A setting has a description, a group, an expected form, and a line on the page."""
    assert setting.description.endswith(".")
    assert setting.group
    assert setting.expected
    assert f"| `{setting.name}` |" in PAGE.read_text()


def test_the_page_is_made_from_the_declarations() -> None:
    """docs/settings.md is what `make docs` writes."""
    assert PAGE.read_text() == render_page()


@pytest.mark.parametrize("setting", [s for s in SETTINGS.values() if s.base in (int, float)], ids=lambda s: s.name)
def test_every_number_has_a_range_and_a_default_inside(setting: Setting) -> None:
    """A number without limits would be a way to hang or to fill the server."""
    assert " from " in setting.expected
    assert msgspec.convert(setting.default, setting.annotation) == setting.default


@pytest.mark.parametrize("name", [name for name in SETTINGS if SETTINGS[name].base is float])
def test_times_carry_their_unit(name: str) -> None:
    """All times are seconds, and say so in their name."""
    assert name.endswith("_s")


@pytest.mark.parametrize(
    ("changes", "blamed", "reason"),
    [
        ({"tls_cert": Path("c")}, "tls_cert", "needs tls_key"),
        ({"tls_key": Path("k")}, "tls_key", "needs tls_cert"),
        ({"host": "0.0.0.0"}, "host", "behind_proxy"),
        ({"host": "::"}, "host", "behind_proxy"),
        ({"host": "example.net"}, "host", "behind_proxy"),
        ({"inbound_timeout_s": 30.0}, "inbound_timeout_s", "more than heartbeat_interval_s, which is 30"),
        ({"trusted_proxies": ("10.0.0.0/8", "10.0.0")}, "trusted_proxies", "'10.0.0'"),
        ({"allowed_origins": ("*",)}, "allowed_origins", "empty allows any"),
        ({"smtp_username": "u"}, "smtp_username", "needs smtp_password"),
        ({"smtp_password": "p"}, "smtp_password", "needs smtp_username"),
        (
            {"smtp_username": "u", "smtp_password": "p", "smtp_security": "none", "smtp_host": "mail.example"},
            "smtp_security",
            "in the clear",
        ),
        ({"mail_from": "nobody"}, "mail_from", "no address"),
    ],
)
def test_settings_that_cannot_be_together_are_refused(changes: dict[str, object], blamed: str, reason: str) -> None:
    """The refusal names the setting to blame and what would do."""
    with pytest.raises(SettingError, match=reason.replace("*", r"\*")) as refusal:
        check_settings(msgspec.structs.replace(Settings(), **changes))
    assert refusal.value.name == blamed


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "0.0.0.0", "behind_proxy": True},
        {"host": "0.0.0.0", "tls_cert": Path("c"), "tls_key": Path("k")},
        {"host": "localhost"},
        {"host": "::1"},
        {"host": "127.8.9.1"},
        {"trusted_proxies": ("10.0.0.0/8", "::1", "192.0.2.7")},
        {"allowed_origins": ("https://a.example", "http://[::1]:8080")},
    ],
)
def test_settings_that_can_be_are_taken(changes: dict[str, object]) -> None:
    """A public address is taken where TLS is spoken, here or in front."""
    check_settings(msgspec.structs.replace(Settings(), **changes))


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "https://a/",
        "https://a/b",
        "https://a?b",
        "https://u@a",
        "ftp://a",
        "a",
        "https://",
        "http://a:b",
        "http://a:99999",
        "https://A",
    ],
)
def test_only_what_browsers_send_is_an_origin(text: str) -> None:
    """An origin is compared with the Origin header as it stands, so a form that never comes is a mistake."""
    assert not is_origin(text)
