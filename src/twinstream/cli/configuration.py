"""Where the values of the settings come from: flags, environment, TOML file, default; the first that has one wins.

Owns the reading of each source and the line that says what is wrong with it. Knows no setting by name.
Invariant: every refusal is one line that names the place, the key, the reason and the expected form.
"""

from __future__ import annotations

import difflib
import math
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from twinstream.cli.address import KEY_VARIABLE
from twinstream.client.regions import CLOUD_VARIABLE
from twinstream.exits import EX_CONFIG, EX_USAGE, CommandError
from twinstream.settings import SETTINGS, Setting, SettingError, Settings, check_settings

CONFIG_VARIABLE = "TWINSTREAM_CONFIG"
FILE_LIMIT_BYTES = 1024 * 1024
"""Longest settings file; a longer one is some other file."""


class Configuration(NamedTuple):
    """Checked settings, where each value comes from ("flag --port"), and warnings, one line each."""

    settings: Settings
    sources: Mapping[str, str]
    warnings: tuple[str, ...]


class _Value(NamedTuple):
    """One value as it was found: text where ``is_text``, else as TOML typed it; ``place`` is where, for messages."""

    raw: Any
    is_text: bool
    place: str
    exit_code: int


def load_configuration(
    flags: Mapping[str, str | bool],
    environment: Mapping[str, str],
    *,
    config: str | None = None,
    preset: Mapping[str, Any] | None = None,
) -> Configuration:
    """Merge the sources and check the outcome whole.

    ``config`` is the path of the TOML file; the environment's `TWINSTREAM_CONFIG` stands in for it. ``preset`` holds
    defaults of the command itself, such as the demo's, which everything else overrides.

    Raises:
        CommandError: 64 where a flag is to blame, 78 otherwise.
    """
    path = config or environment.get(CONFIG_VARIABLE) or None
    found = {
        **(_read_file(Path(path)) if path else {}),
        **_read_environment(environment),
        **_read_flags(flags),
    }
    values: dict[str, Any] = {**(preset or {}), **{name: _convert(SETTINGS[name], v) for name, v in found.items()}}
    settings = Settings(**values)
    try:
        check_settings(settings)
    except SettingError as error:
        blamed = found.get(error.name)
        place = blamed.place if blamed else f"default {error.name}"
        raise CommandError(blamed.exit_code if blamed else EX_CONFIG, f"{place}: {error}") from None
    sources = dict.fromkeys(SETTINGS, "default") | dict.fromkeys(preset or {}, "command")
    sources |= {name: value.place for name, value in found.items()}
    return Configuration(settings, sources, tuple(_unknown_variables(environment)))


def warn(warnings: Iterable[str]) -> None:
    """Print warnings to standard error, each in one line."""
    for warning in warnings:
        print(f"twinstream: warning: {warning}", file=sys.stderr)


def _read_flags(flags: Mapping[str, str | bool]) -> dict[str, _Value]:
    return {
        name: _Value(raw, isinstance(raw, str), f"flag {SETTINGS[name].flag}", EX_USAGE) for name, raw in flags.items()
    }


def _read_environment(environment: Mapping[str, str]) -> dict[str, _Value]:
    """Take the variables that are set; an empty one counts as not set, as in a compose file."""
    return {
        name: _Value(raw, True, f"environment {setting.variable}", EX_CONFIG)
        for name, setting in SETTINGS.items()
        if (raw := environment.get(setting.variable))
    }


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Warn of variables that look like ours; no error, since orchestrators inject some of their own."""
    known = {setting.variable for setting in SETTINGS.values()} | {CONFIG_VARIABLE, CLOUD_VARIABLE, KEY_VARIABLE}
    return [
        f"environment {name}: no such setting{_suggest(name, known)}"
        for name in sorted(environment)
        if name.startswith("TWINSTREAM_") and name not in known
    ]


def _read_file(path: Path) -> dict[str, _Value]:
    text = _read_text(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, at = str(error).rpartition(" (at ")
        line = re.match(r"line (\d+), column (\d+)", at)
        place = f"{path}:{line[1]}:{line[2]}" if line else f"{path}:{len(text.splitlines())}"
        raise CommandError(EX_CONFIG, f"{place}: {reason or error}; expected TOML, as in: port = 8800") from None
    for key in table:
        if key not in SETTINGS:
            raise CommandError(EX_CONFIG, f"{_place(path, text, key)}: no such setting{_suggest(key, SETTINGS)}")
        if SETTINGS[key].is_secret and path.stat().st_mode & 0o077:
            raise CommandError(EX_CONFIG, f"{_place(path, text, key)}: others can read this secret; chmod 600 {path}")
    return {key: _Value(raw, False, _place(path, text, key), EX_CONFIG) for key, raw in table.items()}


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise CommandError(EX_CONFIG, f"{path}: cannot be read: {error.strerror}; expected a TOML file") from None
    if len(content) > FILE_LIMIT_BYTES:
        raise CommandError(
            EX_CONFIG, f"{path}: longer than {FILE_LIMIT_BYTES:,} bytes; expected a TOML file of settings"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CommandError(EX_CONFIG, f"{path}:{line}: byte 0x{content[error.start]:02x}; expected UTF-8") from None


def _place(path: Path, text: str, key: str) -> str:
    """Name file, line and key; tomllib keeps no lines, and in a flat file a key stands at the start of its own."""
    match = re.search(rf"""^[ \t]*\[*["']?{re.escape(key)}["']?[ \t]*[=.\]]""", text, re.MULTILINE)
    line = f":{text.count(chr(10), 0, match.start()) + 1}" if match else ""
    return f"{path}{line}: {key}"


def _suggest(name: str, known: Mapping[str, Any] | set[str]) -> str:
    nearest = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {nearest[0]}?" if nearest else "; `twinstream config show` lists them"


def _convert(setting: Setting, value: _Value) -> Any:
    """Make the typed value. Text is read leniently ("80"), TOML strictly (a port in quotes is a mistake)."""
    raw = value.raw
    if value.is_text and setting.base is tuple:
        raw = [item for part in raw.split(",") if (item := part.strip())]
    try:
        converted = msgspec.convert(raw, setting.annotation, strict=not value.is_text, dec_hook=_read_path)
    except msgspec.ValidationError:
        raise _refuse(setting, value) from None
    if isinstance(converted, float) and not math.isfinite(converted):
        raise _refuse(setting, value)
    return converted


def _refuse(setting: Setting, value: _Value) -> CommandError:
    shown = "this" if setting.is_secret else repr(value.raw)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return CommandError(value.exit_code, f"{value.place}: {shown} cannot be; expected {setting.expected}")


def _read_path(kind: type, raw: Any) -> Any:
    if kind is Path and isinstance(raw, str) and raw and "\0" not in raw:
        return Path(raw)
    raise ValueError
