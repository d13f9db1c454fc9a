"""Where values come from, which source wins, and what each refusal says (bad-input table: config file, environment)."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinstream.cli.configuration import CONFIG_VARIABLE, Configuration, load_configuration
from twinstream.exits import EX_CONFIG, EX_USAGE, CommandError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of a settings file that does not exist yet."""
    return tmp_path / "twinstream.toml"


def load_file(file: Path, content: bytes | str) -> Configuration:
    """Load with a settings file of this content and nothing else."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_configuration({}, {}, config=str(file))


def refuse(
    flags: dict[str, str | bool] | None = None, environment: dict[str, str] | None = None, config: str | None = None
) -> CommandError:
    """Load what must be refused, and check that the refusal is one line."""
    with pytest.raises(CommandError) as refusal:
        load_configuration(flags or {}, environment or {}, config=config)
    assert "\n" not in str(refusal.value)
    return refusal.value


def test_nothing_given_gives_the_defaults() -> None:
    """Without any source every value is the default, and says so."""
    settings, sources, warnings = load_configuration({}, {})
    assert settings.port == 8800
    assert set(sources.values()) == {"default"}
    assert warnings == ()


def test_the_flag_wins_over_the_environment_over_the_file_over_the_preset(file: Path) -> None:
    """The order of the sources holds, and each value knows its own."""
    file.write_text("port = 1\nlog_level = 'debug'\nheartbeat_misses = 7\npresence_timeout_s = 20\n")
    settings, sources, _ = load_configuration(
        {"port": "3"},
        {"TWINSTREAM_PORT": "2", "TWINSTREAM_LOG_LEVEL": "error"},
        config=str(file),
        preset={"presence_timeout_s": 15.0, "mobile_expiry_s": 99.0},
    )
    assert (settings.port, sources["port"]) == (3, "flag --port")
    assert (settings.log_level, sources["log_level"]) == ("error", "environment TWINSTREAM_LOG_LEVEL")
    assert (settings.heartbeat_misses, sources["heartbeat_misses"]) == (7, f"{file}:3: heartbeat_misses")
    assert settings.presence_timeout_s == 20
    assert (settings.mobile_expiry_s, sources["mobile_expiry_s"]) == (99, "command")
    assert sources["host"] == "default"


def test_the_environment_can_name_the_file(file: Path) -> None:
    """TWINSTREAM_CONFIG stands in for --config."""
    file.write_text("port = 5")
    assert load_configuration({}, {CONFIG_VARIABLE: str(file)}).settings.port == 5


def test_every_kind_of_value_is_read_from_text() -> None:
    """In the environment everything is text; an empty variable counts as not set."""
    settings = load_configuration(
        {},
        {
            "TWINSTREAM_BEHIND_PROXY": "true",
            "TWINSTREAM_ALLOWED_ORIGINS": "https://a.example, https://b.example:8443",
            "TWINSTREAM_ACK_FLUSH_S": "0.5",
            "TWINSTREAM_DATA": "/srv/twins",
            "TWINSTREAM_PORT": "",
        },
    ).settings
    assert settings.behind_proxy is True
    assert settings.allowed_origins == ("https://a.example", "https://b.example:8443")
    assert settings.ack_flush_s == 0.5
    assert settings.data == Path("/srv/twins")
    assert settings.port == 8800


@pytest.mark.parametrize("content", ["", "# only a comment\n", "\ufeffport = 8800", "\tport\t=\t8800\r\n"])
def test_an_odd_but_sound_file_is_taken(file: Path, content: str) -> None:
    """Empty, with a byte order mark, with tabs, with CRLF: all are TOML."""
    assert load_file(file, content).settings.port == 8800


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("port = '80a'", "{file}:1: port: '80a' cannot be; expected a whole number from 0 to 65,535"),
        ("port = '80'", "{file}:1: port: '80' cannot be; expected a whole number from 0 to 65,535"),
        ("port = 65536", "{file}:1: port: 65536 cannot be; expected a whole number from 0 to 65,535"),
        ("port = -1", "{file}:1: port: -1 cannot be; expected a whole number from 0 to 65,535"),
        ("port = 1e400", "{file}:1: port: inf cannot be; expected a whole number from 0 to 65,535"),
        (
            "\n\nheartbeat_interval_s = 0",
            "{file}:3: heartbeat_interval_s: 0 cannot be; expected a number from 0.05 to 300",
        ),
        ("ack_flush_s = nan", "{file}:1: ack_flush_s: nan cannot be; expected a number from 0 to 60"),
        ("ack_flush_s = true", "{file}:1: ack_flush_s: True cannot be; expected a number from 0 to 60"),
        ("behind_proxy = 1", "{file}:1: behind_proxy: 1 cannot be; expected true or false"),
        ("log_level = 'loud'", "{file}:1: log_level: 'loud' cannot be; expected one of debug, info, warning, error"),
        ("data = ''", "{file}:1: data: '' cannot be; expected a path"),
        ('data = "a\\u0000b"', "{file}:1: data: 'a\\x00b' cannot be; expected a path"),
        ("prot = 8800", "{file}:1: prot: no such setting; did you mean port?"),
        ("[server]\nport = 1", "{file}:1: server: no such setting; `twinstream config show` lists them"),
        ("port = = 1", "{file}:1:8: Invalid value; expected TOML, as in: port = 8800"),
        ("port = 1\nport = 2", "{file}:2: Cannot overwrite a value; expected TOML, as in: port = 8800"),
        (b"# x\nhost = 'caf\xe9'", "{file}:2: byte 0xe9; expected UTF-8"),
        ("tls_cert = 'c.pem'", "{file}:1: tls_cert: needs tls_key beside it"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_file_line_key_reason_and_form(
    file: Path, content: bytes | str, message: str
) -> None:
    """Exit code 78, and one line that suffices to mend the file."""
    with pytest.raises(CommandError) as refusal:
        load_file(file, content)
    assert str(refusal.value) == message.format(file=file)
    assert refusal.value.exit_code == EX_CONFIG


def test_a_long_value_is_shown_cut(file: Path) -> None:
    """A refusal stays one readable line, whatever was given."""
    with pytest.raises(CommandError) as refusal:
        load_file(file, f"port = '{'9' * 5000}'")
    assert len(str(refusal.value)) < 300 + len(str(file))


@pytest.mark.parametrize(
    ("path", "reason"),
    [("missing.toml", "No such file"), (".", "Is a directory"), ("/dev/zero", "longer than 1,048,576 bytes")],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, path: str, reason: str) -> None:
    """A file that was named must be there, and be a file of settings."""
    refusal = refuse(config=str(tmp_path / path))
    assert reason in str(refusal)
    assert refusal.exit_code == EX_CONFIG


@pytest.mark.parametrize(
    ("flags", "environment", "place", "exit_code"),
    [
        ({"port": "80a"}, {}, "flag --port: '80a'", EX_USAGE),
        ({"port": "1_0"}, {}, "flag --port: '1_0'", EX_USAGE),
        ({"port": "٣"}, {}, "flag --port: '٣'", EX_USAGE),
        ({"ack_flush_s": "inf"}, {}, "flag --ack-flush-s: 'inf'", EX_USAGE),
        ({"host": "0.0.0.0"}, {}, "flag --host: '0.0.0.0' can be reached by others", EX_USAGE),
        (
            {},
            {"TWINSTREAM_HEARTBEAT_INTERVAL_S": "30 sec"},
            "environment TWINSTREAM_HEARTBEAT_INTERVAL_S: '30 sec'",
            EX_CONFIG,
        ),
        ({}, {"TWINSTREAM_BEHIND_PROXY": "yes"}, "environment TWINSTREAM_BEHIND_PROXY: 'yes'", EX_CONFIG),
        ({}, {"TWINSTREAM_HOST": "::"}, "environment TWINSTREAM_HOST: '::' can be reached by others", EX_CONFIG),
        ({"heartbeat_interval_s": "60"}, {}, "default inbound_timeout_s: must be more than", EX_CONFIG),
    ],
)
def test_flag_and_environment_are_blamed_by_name(
    flags: dict[str, str | bool], environment: dict[str, str], place: str, exit_code: int
) -> None:
    """A flag ends with 64, the environment with 78."""
    refusal = refuse(flags, environment)
    assert str(refusal).startswith(place)
    assert refusal.exit_code == exit_code


def test_an_unknown_variable_is_a_warning() -> None:
    """Orchestrators inject variables of their own, so a start cannot fail for one; a misspelt one is told."""
    _, _, warnings = load_configuration({}, {"TWINSTREAM_PROT": "1", "OTHER": "1"})
    assert warnings == ("environment TWINSTREAM_PROT: no such setting; did you mean TWINSTREAM_PORT?",)
