"""`twinstream admin user`: who may sign in, and as what.

Owns how a password gets in: from a prompt, a file or standard input, never from the command line, which everybody on
the machine can read.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter

from twinstream.cli.admin_oem import Oem, list_of_oem, no_oem, path_of
from twinstream.cli.admin_table import Reply, show, show_all
from twinstream.cli.operator import HERE, Target
from twinstream.exits import EX_DATAERR, EX_USAGE, CommandError
from twinstream.model.user import END_USER, normalise_email

COLUMNS = ("email", "role", "firstname", "lastname", "uuid", "created_at")

User = Annotated[str, Parameter(help="Email or uuid of the user.")]
Role = Annotated[str, Parameter(metavar="ROLE", help="EndUser, OEM::Admin, or another role like OEM::Staff.")]
PasswordFile = Annotated[
    Path | None,
    Parameter(
        metavar="FILE",
        show_default=False,
        help="File that holds the password; else it is asked for, or read from standard input.",
    ),
]

ADD_EXAMPLES = """\
Examples:

  twinstream admin user add 0dfc7900 ada@example.com
  twinstream admin user add 0dfc7900 ops@example.com --role OEM::Admin
  pass show ada | twinstream admin user add 0dfc7900 ada@example.com"""

LIST_EXAMPLES = """\
Examples:

  twinstream admin user list 0dfc7900"""

ROLE_EXAMPLES = """\
Examples:

  twinstream admin user role 0dfc7900 ada@example.com OEM::Admin"""

PASSWORD_EXAMPLES = """\
Examples:

  twinstream admin user password 0dfc7900 ada@example.com
  twinstream admin user password 0dfc7900 ada@example.com --password-file new"""  # noqa: S105

DELETE_EXAMPLES = """\
Examples:

  twinstream admin user delete 0dfc7900 ada@example.com
  twinstream admin user delete 0dfc7900 ada@example.com --yes"""


def add(
    oem: Oem,
    email: Annotated[str, Parameter(help="Email, by which the user signs in.")],
    /,
    *,
    role: Role = END_USER,
    firstname: Annotated[str, Parameter(metavar="NAME", show_default=False)] = "",
    lastname: Annotated[str, Parameter(metavar="NAME", show_default=False)] = "",
    password_file: PasswordFile = None,
    target: Target = HERE,
) -> None:
    """Add a user, who can sign in at once."""
    body = {"email": email, "role": role, "firstname": firstname, "lastname": lastname}
    password = read_password(password_file)
    reply = target.call("POST", f"{path_of(oem)}/users", body | {"password": password}, missing=no_oem(oem))
    show(reply, COLUMNS, json=target.json)


def list_users(oem: Oem, /, *, target: Target = HERE) -> None:
    """List an OEM's users."""
    show_all(list_of_oem(target, oem, "users"), COLUMNS, json=target.json)


def role(oem: Oem, user: User, role: Role, /, *, target: Target = HERE) -> None:
    """Give a user another role; it signs the user out."""
    _change(target, oem, user, {"role": role})


def password(oem: Oem, user: User, /, *, password_file: PasswordFile = None, target: Target = HERE) -> None:
    """Give a user another password; it signs the user out."""
    _change(target, oem, user, {"password": read_password(password_file)})


def delete(
    oem: Oem,
    user: User,
    /,
    *,
    yes: Annotated[bool, Parameter(negative="", show_default=False, help="Don't ask.")] = False,
    target: Target = HERE,
) -> None:
    """Delete a user with tokens, shares and subscriptions, whose streams end.

    A user who owns a device is not deleted: have it unregistered first.
    """
    found = _find(target, oem, user)
    if not yes:
        _confirm(f"Delete {found['email']} with all tokens, shares and subscriptions")
    target.call("DELETE", _path_of(found))


def make_app() -> App:
    """Make the group."""
    app = App(name="user", help="Users: add, list, change, delete.", help_epilogue=ADD_EXAMPLES)
    app.command(add, help_epilogue=ADD_EXAMPLES)
    app.command(list_users, name="list", help_epilogue=LIST_EXAMPLES)
    app.command(role, help_epilogue=ROLE_EXAMPLES)
    app.command(password, help_epilogue=PASSWORD_EXAMPLES)
    app.command(delete, help_epilogue=DELETE_EXAMPLES)
    return app


def read_password(file: Path | None) -> str:
    """Take a new password from a file, from standard input where that is no terminal, or twice from a silent prompt.

    A line end at its end does not belong to it.

    Raises:
        CommandError: 64 if there is none, or two.
    """
    try:
        if file is not None:
            text = file.read_text("utf-8")
        elif _is_terminal():
            text = getpass.getpass("Password: ")
            if text and getpass.getpass("Again: ") != text:
                raise CommandError(EX_USAGE, "these are two passwords; nothing was changed")
        else:
            text = "" if sys.stdin is None else sys.stdin.read()
    except (OSError, UnicodeDecodeError, EOFError):
        text = ""
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise CommandError(
            EX_USAGE, "a password is needed: at the prompt, in a file (--password-file), or on standard input"
        )
    return text


def _change(target: Target, oem: str, user: str, change: dict[str, Any]) -> None:
    found = _find(target, oem, user)
    show(target.call("PATCH", _path_of(found), change), COLUMNS, json=target.json)


def _find(target: Target, oem: str, user: str) -> Reply:
    for reply in list_of_oem(target, oem, "users"):
        if user == reply["uuid"] or normalise_email(user) == reply["email"]:
            return reply
    raise CommandError(EX_DATAERR, f"There is no user {user}; this lists them: twinstream admin user list {oem}")


def _path_of(user: Reply) -> str:
    return f"/admin/v1/users/{quote(user['uuid'], safe='')}"


def _confirm(question: str) -> None:
    """Ask. Raises CommandError 64 unless the answer is yes, or where nobody can answer."""
    if not _is_terminal():
        raise CommandError(EX_USAGE, f"{question}? Nobody is there to ask; --yes answers")
    if input(f"{question}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError(EX_USAGE, "nothing was deleted")


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
