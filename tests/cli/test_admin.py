"""`twinstream admin` as its user sees it, on a folder that no server holds; `tests/live/test_admin.py` has servers."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.test_operator import _keep_logging as _keep_logging
from twinstream.cli.admin import NOUNS
from twinstream.cli.admin_device import read_property
from twinstream.cli.admin_table import show_all
from twinstream.cli.app import main
from twinstream.exits import CommandError
from twinstream.model.property import Direction, PropertyPlan
from twinstream.model.value import BaseType

OEM = "0dfc7900"
PAGE = (Path(__file__).parents[2] / "docs" / "admin.md").read_text()
LEAVES = [
    (group.name[0], command)
    for group in (noun.make_app() for noun in NOUNS)
    for command in group
    if not command.startswith("-")
]


class Done(NamedTuple):
    """How a command ended."""

    exit_code: int
    output: str
    errors: str

    @property
    def reply(self) -> Any:
        """The output of --json."""
        assert self.exit_code == 0, self.errors
        assert self.output.count("\n") == 1
        return json.loads(self.output)


Admin = Callable[..., Done]


@pytest.fixture
def admin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Admin:
    """Run `twinstream admin` in a folder with a file `password`, on an OEM; nothing is on standard input."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    Path("password").write_text("correct horse\n")

    def run(*arguments: str) -> Done:
        return Done(main(["admin", *arguments]), *capsys.readouterr())

    assert run("oem", "add", "Example", "--id", OEM).exit_code == 0
    return run


@pytest.mark.parametrize("command", [(), *((group,) for group, _ in dict(LEAVES).items()), *LEAVES])
def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str], command: tuple[str, ...]) -> None:
    """Every group and command has help with a line to copy, of at most 80 columns."""
    assert main(["admin", *command, "--help"]) == 0
    output = capsys.readouterr().out
    assert re.search(r"^Examples.*:\n\n  ", output, re.MULTILINE)
    assert f"  twinstream admin {' '.join(command)}" in output
    assert max(map(len, output.splitlines())) <= 80


def test_every_command_is_on_the_page() -> None:
    """And the page names no other."""
    assert set(re.findall(r"^\| `admin (\w+) (\w+)", PAGE, re.MULTILINE)) == set(LEAVES)


def test_the_pages_lines_run(admin: Admin, tmp_path: Path) -> None:
    """In their order, from an empty folder on."""
    lines = re.findall(r"^twinstream admin (.+)$", PAGE, re.MULTILINE)
    assert len(lines) >= 8
    for line in lines:
        done = admin(*shlex.split(line), "--data", "empty")
        assert (done.exit_code, done.errors) == (0, ""), line


def test_the_pages_file_of_properties_is_one(admin: Admin) -> None:
    """As it stands there."""
    Path("page.toml").write_text(re.findall(r"```toml\n(.+?)```", PAGE, re.DOTALL)[0])
    assert admin("device", "add", OEM, "D1", "--model", "m", "--properties", "page.toml").exit_code == 0


def test_a_list_is_a_table(admin: Admin) -> None:
    """A row for each, below the names of the fields, in columns."""
    admin("app", "add", OEM, "Second", "--app-id", "second-id")
    admin("app", "add", OEM, "A", "--app-id", "a")
    lines = admin("app", "list", OEM).output.splitlines()
    assert [line.split()[:2] for line in lines] == [["APP_ID", "NAME"], ["a", "A"], ["second-id", "Second"]]
    assert len({line.index(word) for line, word in zip(lines, ("NAME", "A  ", "Second"), strict=True)}) == 1


def test_a_new_thing_is_shown_field_by_field(admin: Admin) -> None:
    """The secret of an application among them, this once."""
    fields = dict(line.split(maxsplit=1) for line in admin("app", "add", OEM, "A").output.splitlines())
    assert re.fullmatch("[0-9a-f]{32}", fields["app_secret"])
    assert "app_secret" not in admin("app", "list", OEM, "--json").output


def test_nothing_in_a_table_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters, line ends and turns of the writing direction are shown as what they are; columns stay."""
    show_all([{"a": "x\x1b[2J\n\u202e", "b": True}, {"a": "你好", "b": None}], ("a", "b"), json=False)
    assert capsys.readouterr().out == ("A                 B\nx\\x1b[2J\\n\\u202e  yes\n你好              -\n")


def test_json_has_all_fields_in_one_line(admin: Admin) -> None:
    """An object for one thing, an array of them for a list, without wrappers."""
    made = admin("user", "add", OEM, "ada@example.com", "--password-file", "password", "--json").reply
    assert (made["email"], made["role"], made["oem"]) == ("ada@example.com", "EndUser", OEM)
    assert admin("user", "list", OEM, "--json").reply == [made]
    assert admin("subscription", "list", OEM, "--json").reply == []


def test_limits_are_set_one_by_one(admin: Admin) -> None:
    """What is not named stays; `default` follows the settings of the server."""

    def limits(*arguments: str) -> tuple[float | None, int | None]:
        reply = admin("oem", "retention", *arguments, "--json").reply
        return reply["retention_age_s"], reply["retention_size_bytes"]

    assert limits(OEM, "--age-s", "86400.5") == (86400.5, None)
    assert limits(OEM.upper(), "--size-bytes", "100000") == (86400.5, 100000)
    assert limits(OEM, "--age-s", "default") == (None, 100000)


def test_a_user_is_named_by_email_or_uuid(admin: Admin) -> None:
    """And found in the OEM that was named."""
    made = admin("user", "add", OEM, "Ada@Example.com", "--password-file", "password", "--json").reply
    assert admin("user", "role", OEM, "ADA@example.com", "OEM::Admin", "--json").reply["role"] == "OEM::Admin"
    assert admin("user", "role", OEM, made["uuid"], "OEM::Staff", "--json").reply["role"] == "OEM::Staff"
    assert admin("user", "password", OEM, made["uuid"], "--password-file", "password").exit_code == 0
    admin("oem", "add", "Other", "--id", "11111111")
    refused = admin("user", "role", "11111111", "ada@example.com", "EndUser")
    assert refused.exit_code == 65
    assert "There is no user " in refused.errors


def test_deleting_a_user_wants_a_yes(admin: Admin) -> None:
    """Where nobody can be asked, by flag."""
    admin("user", "add", OEM, "ada@example.com", "--password-file", "password")
    refused = admin("user", "delete", OEM, "ada@example.com")
    assert (refused.exit_code, refused.output) == (64, "")
    assert "--yes" in refused.errors
    assert admin("user", "delete", OEM, "ada@example.com", "--yes") == (0, "", "")
    assert admin("user", "list", OEM, "--json").reply == []


def test_a_password_comes_from_standard_input_too(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly as it came, but for the line end; what is too short is refused."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(" päss word \r\n"))
    assert admin("user", "add", OEM, "ada@example.com").exit_code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("1234567\n"))
    assert admin("user", "password", OEM, "ada@example.com").errors == (
        "twinstream: password must have 8 characters or more, at most 1024 bytes.\n"
    )


@pytest.mark.parametrize("arguments", [(), ("--password-file", "missing"), ("--password-file", "latin")])
@pytest.mark.parametrize("has_stdin", [True, False])
def test_no_password_is_a_usage_error(
    admin: Admin, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], has_stdin: bool
) -> None:
    """An empty standard input or none at all, a missing file, one that is no text."""
    Path("latin").write_bytes(b"p\xe4ssword1")
    if not has_stdin:
        monkeypatch.setattr(sys, "stdin", None)
    done = admin("user", "add", OEM, "ada@example.com", *arguments)
    assert done.exit_code == 64
    assert "a password is needed" in done.errors


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("a:integer:output", PropertyPlan(name="a", base_type=BaseType.INTEGER, direction=Direction.OUTPUT)),
        (
            "01:x:ack:file:input:ack",
            PropertyPlan(name="01:x:ack", base_type=BaseType.FILE, direction=Direction.INPUT, ack_enabled=True),
        ),
    ],
)
def test_a_property_is_read_from_its_end(text: str, plan: PropertyPlan) -> None:
    """So that names can hold colons."""
    assert read_property(text) == plan


@pytest.mark.parametrize(
    "text", ["", "a", "a:integer", "a:integer:ack", "a:int:input", "a:integer:in", "integer:input"]
)
def test_what_is_no_property_is_refused_with_its_form(text: str) -> None:
    """The line has an example."""
    with pytest.raises(CommandError, match="as in Blue_LED:boolean:input") as refusal:
        read_property(text)
    assert refusal.value.exit_code == 64


def test_a_device_gets_the_properties_of_file_and_flags(admin: Admin) -> None:
    """TOML and JSON mean the same; run again, it keeps the key, which is printed for people and scripts."""
    Path("p.toml").write_text('[[properties]]\nname = "a"\nbase_type = "string"\ndirection = "input"\n')
    Path("p.json").write_text('[{"name":"b","base_type":"string","direction":"input","ack_enabled":true}]')
    first = admin("device", "add", OEM, "D1", "--model", "m", "--properties", "p.toml", "--json").reply
    more = ("device", "add", OEM, "D1", "--model", "m", "--properties", "p.json", "--property", "c:file:output")
    again = admin(*more)
    assert first["public_key"] in again.output
    assert (first["is_new"], first["added_properties"]) == (True, ["a"])
    assert again.errors == "twinstream: D1 exists already; added properties: b, c\n"
    assert admin(*more).errors == "twinstream: D1 exists already; nothing was added\n"
    third = admin(*more, "--json")
    assert third.errors == ""
    assert (third.reply["is_new"], third.reply["added_properties"]) == (False, [])
    assert first["public_key"].startswith("-----BEGIN PUBLIC KEY-----\n")
    [listed] = admin("device", "list", OEM, "--json").reply
    assert (listed["dsn"], listed["oem_model"], listed["registered"]) == ("D1", "m", False)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.toml", "x =", "; expected TOML or JSON"),
        ("p.json", "{", "; expected TOML or JSON"),
        ("p.toml", "", "p.toml: holds no list `properties`"),
        ("p.json", "3", "p.json: holds no list `properties`"),
        ("p.json", '[{"nam":"a"}]', "p.json: a property has no 'nam'; expected name"),
        (
            "p.json",
            '[{"name":"a","base_type":"int","direction":"input"}]',
            "Invalid enum value 'int' - at properties[0]",
        ),
        ("p.json", '[{"name":"a"}]', "missing required field base_type - at properties[0]"),
    ],
)
def test_a_broken_file_of_properties_is_told_by_its_place(admin: Admin, name: str, text: str, message: str) -> None:
    """In one line, and the device is not made."""
    Path(name).write_text(text)
    done = admin("device", "add", OEM, "D1", "--model", "m", "--properties", name)
    assert done.exit_code == 65
    assert message in done.errors
    assert done.errors.count("\n") == 1
    assert admin("device", "list", OEM, "--json").reply == []


def test_a_template_comes_from_a_file(admin: Admin) -> None:
    """As the page shows one; a device of its model has the properties from the start."""
    Path("t.toml").write_text(re.findall(r"```toml\n(.+?)```", PAGE, re.DOTALL)[1])
    made = admin("template", "add", OEM, "t.toml", "--json").reply
    assert admin("template", "list", OEM, "--json").reply == [made]
    assert admin("template", "show", OEM, str(made["id"]), "--json").reply == made
    shown = admin("template", "show", OEM, str(made["id"])).output
    assert "Blue_LED  boolean    input" in shown
    assert (made["version"], made["registration_type"], made["properties"][0]["read_only"]) == ("2", "Same-LAN", False)
    assert "There is a template of this model and version" in admin("template", "add", OEM, "t.toml").errors
    for text, message in (
        ("[]", "holds no template"),
        ('{"oem_modl": 1}', "no 'oem_modl'"),
        ('{"name": "x"}', "oem_model"),
    ):
        Path("t.json").write_text(text)
        done = admin("template", "add", OEM, "t.json")
        assert (done.exit_code, message in done.errors) == (65, True)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        ("user list 0dfc7901", 65, "There is no OEM 0dfc7901; this lists them: twinstream admin oem list"),
        ("oem retention 0dfc7901 --age-s 5", 65, "There is no OEM 0dfc7901; "),
        ("oem add Example --id 0dfc7900", 65, "An OEM with this id exists."),
        ("oem add Example --id 123", 65, "id must be 8 hex digits."),
        ("oem retention 0dfc7900", 64, "a limit is needed: --age-s or --size-bytes"),
        ("oem retention 0dfc7900 --age-s nan", 64, "expected a number, or the word default"),
        ("oem retention 0dfc7900 --size-bytes 1e9", 64, "expected a whole number, or the word default"),
        ("oem retention 0dfc7900 --age-s 0", 65, "retention_age_s must be 1 to 3e9 seconds."),
        ("user add 0dfc7900 ada --password-file password", 65, "email must be an address"),
        ("user add 0dfc7900 a@b.c --role Boss --password-file password", 65, "role must be EndUser"),
        ("user add 0dfc7900 a@b.c --password secret", 64, "Unknown option: --password"),
        ("user role 0dfc7900 a@b.c EndUser", 65, "this lists them: twinstream admin user list 0dfc7900"),
        ("device add 0dfc7900 D1", 64, "--model"),
        ("device add 0dfc7900 D/1 --model m", 65, "dsn must be 1 to 32 letters"),
        ("device add 0dfc7900 D1 --model m --registration-type wifi", 64, "wifi"),
        ("device add 0dfc7900 D1 --model m --properties missing", 65, "missing: cannot be read: No such file"),
        (
            "subscription suspend 999",
            65,
            "There is no subscription 999; this lists them: twinstream admin",
        ),
        ("subscription resume x/../y", 65, "There is no subscription x/../y; "),
        (
            "device add 0dfc7901 D1 --model m",
            65,
            "There is no OEM 0dfc7901; this lists them: twinstream admin oem list",
        ),
        ("app add 0dfc7901 Example", 65, "There is no OEM 0dfc7901; "),
        ("app list 0dfc7901", 65, "There is no OEM 0dfc7901; "),
        ("user add 0dfc7901 a@b.c --password-file password", 65, "There is no OEM 0dfc7901; "),
        ("user delete 0dfc7900 a@b.c --yes", 65, "There is no user a@b.c; "),
        ("oem lst", 64, "list"),
        ("oem list --data nowhere", 78, "nowhere holds no database"),
        ("oem list --config nowhere", 78, "nowhere: cannot be read"),
    ],
)
def test_a_mistake_is_answered_with_one_line(admin: Admin, arguments: str, exit_code: int, message: str) -> None:
    """And an exit code that says whose it is."""
    done = admin(*shlex.split(arguments))
    assert (done.exit_code, done.output) == (exit_code, "")
    assert message in done.errors
    assert done.errors.startswith("twinstream: ")
    assert done.errors.count("\n") == 1
