"""The `twinstream` command: its commands by name, and how any of them ends.

Owns the table of commands, and the way from an error to one line and an exit code. Knows nothing of what commands do.
Invariant: no traceback and no second line for a mistake of the user; a reader that went away is no mistake.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError, Group, Parameter, Token, convert
from cyclopts.help import DefaultFormatter, PanelSpec
from rich.box import Box
from rich.console import Console

from twinstream import __version__
from twinstream.cli.admin import add_admin_commands
from twinstream.cli.breaking import add_breaking_commands
from twinstream.cli.client import add_client_commands
from twinstream.cli.collect import add_collect_commands
from twinstream.cli.doctor import add_doctor_commands
from twinstream.cli.faults import add_faults_commands
from twinstream.cli.recording import add_recording_commands
from twinstream.cli.server import add_server_commands
from twinstream.cli.simulate import add_simulate_commands
from twinstream.cli.verify import add_verify_commands
from twinstream.cli.why import add_why_commands
from twinstream.exits import EX_INTERRUPTED, EX_IOERR, EX_USAGE, CommandError

BLANK_BOX = Box("\n".join(["    "] * 8))
"""The frame around a group of flags: none, so that lines can be copied and searched."""

HELP = """\
A self-hosted service that is wire-compatible with the Ayla Datastream Service.

Devices have digital twins in it, every change of a twin is an event, and
whoever connects a WebSocket with a stream key gets the events that match,
numbered without gaps."""

EXAMPLES = """\
Examples:

  twinstream demo                 try it: a server with simulated devices
  twinstream tail 'ws://HOST/stream?stream_key=KEY'
                                  print the events of a stream
  twinstream serve --data /var/lib/twinstream
                                  run a server
  twinstream COMMAND --help       tell more of a command"""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments (by default the process's own) name; answer its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where the descriptor is closed
            stream.reconfigure(errors="backslashreplace")  # Why: a locale without UTF-8 must not cost an event
    try:
        exit_code = build_app()(sys.argv[1:] if arguments is None else list(arguments))
        if sys.stdout is not None:
            sys.stdout.flush()
        return exit_code or 0
    except CycloptsError as error:
        hint = " ".join(["twinstream", *(error.command_chain or ()), "--help"])
        return _end(EX_USAGE, f"{_one_line(error)} (see: {hint})")
    except CommandError as error:
        return _end(error.exit_code, str(error))
    except BrokenPipeError:
        _drop_stdout()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_stdout()
        return _end(EX_IOERR, "the output could not be written: no space left")
    except KeyboardInterrupt:
        return EX_INTERRUPTED


def build_app() -> App:
    """Make the application; a new one each time, since nothing of it is shared."""
    app = App(
        name="twinstream",
        help=HELP,
        help_epilogue=EXAMPLES,
        help_format="plaintext",
        help_formatter=DefaultFormatter(panel_spec=PanelSpec(box=BLANK_BOX, padding=(0, 0, 0, 3))),
        console=_Console(),
        version=f"twinstream {__version__}",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
        default_parameter=Parameter(converter=_read_argument),
    )
    other = Group.create_ordered("Other")
    add_server_commands(app)
    add_client_commands(app)
    add_collect_commands(app)
    add_doctor_commands(app)
    add_recording_commands(app)
    add_admin_commands(app)
    add_faults_commands(app)
    add_simulate_commands(app)
    add_verify_commands(app)
    add_why_commands(app)
    add_breaking_commands(app)
    app.command(version)
    app["--help"].group = app["--version"].group = other
    app.register_install_completion_command(group=other, help="Install completion for this shell, and exit.")
    return app


def version() -> None:
    """Print the version."""
    print(f"twinstream {__version__}")


def _read_argument(kind: Any, tokens: Sequence[Token]) -> Any:
    """Read what stands for a parameter. Why: left to itself, cyclopts takes 1.5 for the whole number 2."""
    if kind not in (int, int | None):
        return convert(kind, tokens)
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"{tokens[0].value!r} is no whole number") from None


def _one_line(error: CycloptsError) -> str:
    return " ".join(str(error).split())


def _end(exit_code: int, message: str) -> int:
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(f"twinstream: {message}", file=sys.stderr)
    return exit_code


def _drop_stdout() -> None:
    """Send what is still buffered nowhere, so that the interpreter's own flush at exit is quiet too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
