"""The commands that run a server, `serve` and `demo`, and `config show`, which tells with which settings.

Owns how flags are made of the settings' declarations. Knows of the server only how to run it.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Group, Parameter

from twinstream.cli.configuration import CONFIG_VARIABLE, Configuration, load_configuration, warn
from twinstream.cli.demonstration import require_free, run_demonstration
from twinstream.cli.extra import import_server
from twinstream.cli.folder import judge_folder
from twinstream.cli.tls import check_tls_files
from twinstream.exits import EX_UNAVAILABLE, CommandError
from twinstream.settings import SETTINGS, Setting

DEMO_PRESET: Mapping[str, Any] = {"presence_timeout_s": 15.0, "datapoint_retention_s": 172_800.0}
"""What the demo has otherwise than a server: a device that leaves is Offline while one watches, and little is kept."""

DEMONSTRATION_SCENARIO = "freezers"

SERVE_EXAMPLES = f"""\
A setting is also a variable of the environment (TWINSTREAM_PORT) and a key of
the TOML file (port = 8800). A flag wins over the environment, the environment
over the file, which {CONFIG_VARIABLE} can name too.

Examples:

  twinstream serve --data /var/lib/twinstream
  twinstream serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
  twinstream serve --config twinstream.toml --log-format json"""

DEMO_EXAMPLES = """\
Examples:

  twinstream demo                 data in ./twinstream-data, on port 8800
  twinstream demo --data /tmp/try --port 0
                                  elsewhere, on a free port, which it prints
  twinstream demo --collect       with a fleet and a collector, to be broken"""

CONFIG_EXAMPLES = """\
Examples:

  twinstream config show --config twinstream.toml
  TWINSTREAM_PORT=9000 twinstream config show"""


def serve(**flags: Any) -> int:
    """Run a server until Ctrl-C or SIGTERM."""
    return _run(flags, demo=False)


def demo(**flags: Any) -> int:
    """Run a server with simulated devices, users and streams to try.

    It prints what to do next, and writes keys and passwords to demo.json in the
    data folder; run again, it keeps them. What has no flag here comes from the
    environment or the file, as for `serve`.

    With --collect a fleet of simulated devices and a collector run beside it,
    all as processes that are started again when they die.
    """
    collect, scenario = flags.pop("collect", False), flags.pop("scenario", None)
    return _collect(flags, scenario or DEMONSTRATION_SCENARIO) if collect else _run(flags, demo=True)


def show(**flags: Any) -> None:
    """Print every setting with its value and where that comes from, as a TOML file.

    Takes the flags of `serve`, and refuses what `serve` would refuse.
    """
    settings, sources, warnings = _load(flags)
    warn(warnings)
    for name in SETTINGS:
        value = getattr(settings, name)
        if value is not None and SETTINGS[name].is_secret:
            value = "***"
        shown = "# " + name if value is None else f"{name} = {_toml(value)}"
        print(f"{shown}  # {sources[name]}")


def add_server_commands(app: App) -> None:
    """Register `demo`, `serve` and `config show`."""
    demo_settings = (SETTINGS[name] for name in ("data", "host", "port", "allow_faults"))
    app.command(_with_flags(demo, demo_settings, _collect_parameters()), help_epilogue=DEMO_EXAMPLES)
    app.command(_with_flags(serve, SETTINGS.values()), help_epilogue=SERVE_EXAMPLES)
    config = App(name="config", help="Look at the settings.", help_epilogue=CONFIG_EXAMPLES)
    config.command(_with_flags(show, SETTINGS.values()))
    app.command(config)


def _run(flags: dict[str, Any], *, demo: bool) -> int:
    settings, _, warnings = _load(flags, DEMO_PRESET if demo else {})
    warn(warnings)
    warn(judge_folder(settings.data))
    server = import_server("twinstream.server")
    if settings.tls_cert and settings.tls_key:
        warn(check_tls_files(settings.tls_cert, settings.tls_key))
    if os.geteuid() == 0 and not demo:
        warn(["running as root, which the server does not need; give it a user of its own"])
    exit_code: int = server.run(settings, demo=demo)
    return exit_code


def _collect(flags: dict[str, Any], scenario: str) -> int:
    settings, _, _ = _load(flags, DEMO_PRESET)
    server = import_server("twinstream.server")
    if find_spec("sqlalchemy") is None:
        raise CommandError(
            EX_UNAVAILABLE, "--collect stores events; install: pip install 'twinstream[server,collector]'"
        )
    require_free(settings.data)
    server.call_offline(settings, "GET", "/admin/v1/oems")  # Why: it makes no database among other files, such as ours
    passed = [_pass_on(name, value) for name, value in flags.items() if value is not None and name not in _OWN]
    return run_demonstration(settings.data, [f"--data={settings.data}", *passed], settings.port, scenario)


_OWN = ("data", "port")
"""The flags that the demonstration gives its server itself."""


def _pass_on(name: str, value: str | bool) -> str:
    flag = name.replace("_", "-")
    return f"--{flag}={value}" if isinstance(value, str) else f"--{'' if value else 'no-'}{flag}"


def _load(flags: dict[str, Any], preset: Mapping[str, Any] | None = None) -> Configuration:
    given = {name: value for name, value in flags.items() if name != "config" and value is not None}
    return load_configuration(given, os.environ, config=flags.get("config"), preset=preset)


def _toml(value: Any) -> str:
    """Write a value as TOML, of which JSON's numbers, booleans, strings and lists are a part."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(str(value) if isinstance(value, Path) else value)


def _with_flags(
    command: Callable[..., Any], settings: Iterable[Setting], more: Iterable[inspect.Parameter] = ()
) -> Callable[..., Any]:
    """Give the command a flag for each setting and `--config`; a flag that is absent is None or not passed."""
    groups: dict[str, Group] = {}
    parameters = [_config_parameter(), *more]
    for setting in settings:
        if setting.is_secret:  # everybody on the machine can read a command line
            continue
        group = groups.setdefault(setting.group, Group.create_ordered(setting.group))
        parameters.append(_flag_parameter(setting, group))
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def _config_parameter() -> inspect.Parameter:
    about = Parameter(
        name="--config", metavar="FILE", help="TOML file of settings.", show_default=False, allow_repeating=False
    )
    return _keyword("config", Annotated[str | None, about])


def _collect_parameters() -> list[inspect.Parameter]:
    collect = Parameter(
        name="--collect", negative="", show_default=False, help="Run a fleet and a collector beside it."
    )
    scenario = Parameter(
        name="--scenario",
        metavar="NAME",
        show_default=False,
        help=f"The fleet, with --collect: see `simulate`. [default {DEMONSTRATION_SCENARIO}]",
    )
    return [_keyword("collect", Annotated[bool | None, collect]), _keyword("scenario", Annotated[str | None, scenario])]


def _flag_parameter(setting: Setting, group: Group) -> inspect.Parameter:
    """Make one flag. It passes text: what that means, and what is wrong with it, is said where all sources meet."""
    about = Parameter(
        name=setting.flag,
        group=group,
        help=f"{setting.description} [{describe_default(setting)}]",
        metavar=_metavar(setting),
        show_default=False,
        allow_repeating=False,
        allow_leading_hyphen=setting.base in (int, float),  # Why: "-1" is then refused with the range
    )
    return _keyword(setting.name, Annotated[bool | None if setting.base is bool else str | None, about])


def _metavar(setting: Setting) -> str:
    return {int: "NUMBER", float: "SECONDS", Path: "PATH", tuple: "A,B", str: "TEXT"}.get(setting.base, "NAME")


def _keyword(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def describe_default(setting: Setting) -> str:
    """Say the default for people: "default 8800", "none by default"."""
    if setting.default in (None, ()):
        return "none by default"
    return f"default {_toml(setting.default)}".replace('"', "")
