"""The collector's file: what it may say, and how a mistake in it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinstream.collector.configuration import EXAMPLE, read_plan
from twinstream.collector.plan import Plan, Secret, make_output
from twinstream.exits import EX_CONFIG, CommandError

KEY = "2f6273dcbb224c5bb303b2a7e1234567"
STREAM = f'[streams.freezers]\nurl = "wss://dss.example.com/stream"\nkey = "{KEY}"\n'
OUTPUT = '[outputs.database]\nurl = "sqlite:///events.db"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that only its owner can read."""
    path = tmp_path / "collect.toml"
    path.touch(mode=0o600)
    return path


def read(path: Path, text: str) -> Plan:
    """Read the text as a file."""
    path.write_text(text)
    return read_plan(path, {})


def refusal(path: Path, text: str) -> str:
    """What is said of a file that cannot be; the file's own path is cut off in front."""
    with pytest.raises(CommandError) as caught:
        read(path, text)
    assert caught.value.exit_code == EX_CONFIG
    said = str(caught.value)
    assert said.startswith(str(path))
    assert "\n" not in said
    assert KEY not in said
    assert "hunter2" not in said
    return said.removeprefix(str(path))


def test_a_stream_goes_to_every_output_unless_it_names_some(path: Path) -> None:
    """Outputs left out mean all of them."""
    plan = read(path, STREAM + OUTPUT + '[outputs.archive]\nurl = "jsonl:archive/"\n')
    (stream,) = plan.streams
    assert stream.outputs == ("database", "archive")
    assert stream.url == "wss://dss.example.com/stream"
    assert stream.key == Secret(KEY)
    assert [output.kind for output in plan.outputs.values()] == ["sqlite", "jsonl"]


def test_an_output_that_no_stream_names_is_left_out(path: Path) -> None:
    """Nothing is opened that nothing is written to."""
    plan = read(path, STREAM + 'outputs = ["database"]\n' + OUTPUT + '[outputs.archive]\nurl = "jsonl:archive/"\n')
    assert list(plan.outputs) == ["database"]


def test_batches_come_from_the_output_then_the_file_then_the_kind(path: Path) -> None:
    """The nearest word counts; a command line's counts before all."""
    text = "batch_size = 7\n" + STREAM + OUTPUT + "batch_time_s = 3\n"
    output = read(path, text).outputs["database"]
    assert (output.batch_size, output.batch_time_s) == (7, 3.0)
    assert read_plan(path, {}, batch_size=9, batch_time_s=0).outputs["database"].batch_size == 9
    assert read_plan(path, {}, batch_size=9, batch_time_s=0).outputs["database"].batch_time_s == 0
    assert read(path, STREAM + '[outputs.lake]\nurl = "parquet:lake/"\n').outputs["lake"].batch_size == 50_000


def test_secrets_come_from_files_and_the_environment_too(path: Path, tmp_path: Path) -> None:
    """A file of its own, or a variable, for keys of streams and URLs of outputs alike."""
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text(KEY + "\n")
    path.write_text(
        f'[streams.a]\nurl = "wss://h/stream"\nkey_file = "{tmp_path}/key"\n'
        '[streams.b]\nregion = "us"\nkey_env = "KEY_B"\n[outputs.c]\nurl_env = "DATABASE"\n'
    )
    plan = read_plan(path, {"KEY_B": "b", "DATABASE": "mysql://u:hunter2@h/d"})
    assert [stream.key for stream in plan.streams] == [Secret(KEY), Secret("b")]
    assert plan.outputs["c"].url == Secret("mysql+pymysql://u:hunter2@h/d")
    assert plan.outputs["c"].label == "mysql://u@h/d"


def test_no_secret_is_in_the_plan_as_text(path: Path) -> None:
    """Whoever prints or logs a plan shows neither key nor password."""
    plan = read(path, STREAM + '[outputs.c]\nurl = "postgresql://u:hunter2@h/d?sslmode=require&password=hunter2"\n')
    assert KEY not in repr(plan)
    assert "hunter2" not in repr(plan)
    assert plan.outputs["c"].label == "postgresql://u@h/d?sslmode=require&password=***"


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("mysql://u:hunter2@h/d", "mysql://u@h/d"),
        ("mysql://u:hun/t@er2:@h/d", "mysql://u@h/d"),
        ("postgresql://:hunter2@/d?host=/run", "postgresql://@/d?host=/run"),
        ("postgresql://h/d?password=hunter2&sslmode=require", "postgresql://h/d?password=***&sslmode=require"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("sqlite:///a:b@c.db", "sqlite:///a:b@c.db"),
        ("jsonl:///var/a:b@c/", "jsonl:/var/a:b@c/"),
    ],
)
def test_a_label_has_no_password(url: str, label: str) -> None:
    """It is the URL otherwise, so that people find their output again."""
    output = make_output(url)
    assert output.label == label
    assert output.holds_password == ("hunter2" in url or "er2" in url)


def test_the_key_in_a_url_is_taken_out_of_it(path: Path) -> None:
    """What is shown of a stream's address has no key in it; seq_start counts."""
    (stream,) = read(path, f'[streams.a]\nurl = "ws://h/stream?stream_key={KEY}&seq_start=5&x=1"\n{OUTPUT}').streams
    assert (stream.url, stream.key, stream.seq_start) == ("ws://h/stream?x=1", Secret(KEY), 5)


def test_the_example_is_a_file_that_can_be_read(path: Path, tmp_path: Path) -> None:
    """What --example prints needs only its key file."""
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text(KEY)
    path.write_text(EXAMPLE.replace("/etc/twinstream/freezers.key", f"{tmp_path}/key"))
    path.chmod(0o644)
    plan = read_plan(path, {"WASHERS_STREAM_KEY": KEY})
    assert [(stream.name, stream.outputs) for stream in plan.streams] == [
        ("freezers", ("database", "archive")),
        ("washers", ("database",)),
    ]
    assert (plan.status, plan.metrics) == ("/run/twinstream/collect.sock", "127.0.0.1:9464")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ": no streams in it; `twinstream collect --example` shows what it may look like"),
        ("a = \n", ":1:5: Invalid value; expected TOML, as `twinstream collect --example` prints it"),
        (STREAM, ': outputs: none; expected a table like [outputs.database] with url = "sqlite:///events.db"'),
        (STREAM + "sekwence = 1\n" + OUTPUT, ":4: streams.freezers.sekwence: no such key; expected some of url"),
        (STREAM + "seq_strat = 1\n" + OUTPUT, ":4: streams.freezers.seq_strat: no such key; did you mean seq_start?"),
        (
            STREAM + 'seq_start = "1"\n' + OUTPUT,
            ":4: streams.freezers.seq_start: expected a whole number, got a text in quotes",
        ),
        (STREAM + "seq_start = -1\n" + OUTPUT, ":4: streams.freezers.seq_start: expected a whole number of at least 0"),
        (STREAM + "outputs = []\n" + OUTPUT, ":4: streams.freezers.outputs: expected a list of at least 1"),
        (
            STREAM + 'outputs = ["databsae"]\n' + OUTPUT,
            ":4: streams.freezers.outputs: no output is called databsae; did you mean database?",
        ),
        (
            STREAM + 'outputs = ["database", "database"]\n' + OUTPUT,
            ":4: streams.freezers.outputs: database is named twice; name it once",
        ),
        (
            STREAM + OUTPUT + '[outputs.archive]\nurl = "sqlite:///events.db"\n',
            ":1: streams.freezers.outputs: database and archive are the same place; name one of them",
        ),
        (
            STREAM + '[outputs.c]\nurl = "mysql://u:hunter2@h/d"\n[outputs.d]\nurl = "mariadb://u:hunter2@h/d"\n',
            ":1: streams.freezers.outputs: c and d are the same place; name one of them",
        ),
        ('[streams.a]\nkey = "k"\n' + OUTPUT, ":1: streams.a: no url; expected url = "),
        (
            '[streams.a]\nurl = "ftp://h"\nkey = "k"\n' + OUTPUT,
            ":2: streams.a.url: that is no address of a stream; expected ws:// or wss://, as in wss://HOST/stream",
        ),
        ('[streams.a]\nurl = "ws://h"\nkey = "é"\n' + OUTPUT, ":3: streams.a.key: that is no stream key; expected"),
        ('[streams.a]\nurl = "ws://h?seq_start=-1"\nkey = "k"\n' + OUTPUT, ":2: streams.a.url: seq_start is below 0"),
        (
            '[streams.a]\nurl = "ws://h"\n' + OUTPUT,
            ":1: streams.a.key: none; expected one of key, key_file and key_env",
        ),
        (STREAM + 'key_env = "K"\n' + OUTPUT, ":3: streams.freezers.key: more than one; expected one of key"),
        (
            '[streams.a]\nurl = "ws://h"\nkey_env = "K"\n' + OUTPUT,
            ":3: streams.a.key_env: the environment has no variable K, or it is empty",
        ),
        (
            '[streams.a]\nurl = "ws://h"\nkey_file = "/nowhere/k"\n' + OUTPUT,
            ":3: streams.a.key_file: /nowhere/k cannot be read: No such file or directory",
        ),
        (
            f'[streams.a]\nurl = "ws://h"\nkey_file = "{"k" * 300}"\n' + OUTPUT,
            f":3: streams.a.key_file: {'k' * 300} cannot be read: File name too long",
        ),
        (
            '[streams.a]\nurl = "ws://h"\nkey_file = "a\\u0000b"\n' + OUTPUT,
            ":3: streams.a.key_file: there is a zero byte in it; expected a text without",
        ),
        ('status = "a\\u0000b"\n' + STREAM + OUTPUT, ":1: status: there is a zero byte in it"),
        (STREAM + '[outputs.x]\nurl = "jsonl:a\\u0000b"\n', ":5: outputs.x.url: there is a zero byte in it"),
        (STREAM.replace("freezers", '"a/b"') + OUTPUT, ":1: streams.a/b: that is no name; expected letters"),
        (
            STREAM + "outputs = [1]\n" + OUTPUT,
            ":4: streams.freezers.outputs: expected a text in quotes, got a whole number",
        ),
        (STREAM + "url_file = 1\n" + OUTPUT, ":4: streams.freezers.url_file: no such key; "),
        ("batch_size = 1.5\n" + STREAM + OUTPUT, ":1: batch_size: expected a whole number, got a number"),
        ("batch_time_s = nan\n" + STREAM + OUTPUT, ":1: batch_time_s: expected a number of at least 0"),
        ("batch_time_s = 9999\n" + STREAM + OUTPUT, ":1: batch_time_s: expected a number of at most 3600"),
        ("streams = 3\n" + OUTPUT, ":1: streams: expected a table, got a whole number"),
        ("[streams]\na = 3\n" + OUTPUT, ":2: streams.a: expected a table"),
        (
            '[streams.a]\nregion = "mars"\nkey = "k"\n' + OUTPUT,
            ":2: streams.a.region: no cloud is known as mars, field",
        ),
        (STREAM.replace("freezers", '"a "') + OUTPUT, ":1: streams.a : that is no name; expected letters"),
        (STREAM + '[outputs.x]\nurl = "oracle://h"\n', ":5: outputs.x.url: no such kind of output; expected sqlite"),
        (STREAM + '[outputs.x]\nurl = "mysql:h"\n', ":5: outputs.x.url: two slashes are missing; expected sqlite"),
        (STREAM + "[outputs.x]\nbatch_size = 0\n", ":5: outputs.x.batch_size: expected a whole number of at least 1"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_remedy(path: Path, text: str, said: str) -> None:
    """One line: the file, the line in it, the key, what is wrong, what is expected; and never a key."""
    assert refusal(path, text).startswith(said)


def test_all_mistakes_are_told_at_once(path: Path) -> None:
    """A line for each, in the order of the file; what only follows from another one is none."""
    text = """\
batch_size = 0
colour = "red"
[streams.freezers]
outputs = ["databsae", "lake", "archive", "archive"]
[streams.washers]
url = "ftp://h"
key_env = "NOWHERE"
[streams.dryers]
url = 5
seq_start = "x"
[outputs.database]
url = "oracle://h"
[outputs.archive]
uri = "jsonl:a/"
"""
    path.write_text(text)
    with pytest.raises(CommandError) as caught:
        read_plan(path, {})
    assert caught.value.exit_code == EX_CONFIG
    said = [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]
    expected = [
        "1: batch_size: expected a whole number of at least 1",
        "2: colour: no such key; expected some of streams",
        "3: streams.freezers: no url; expected url",
        "3: streams.freezers.key: none; expected one of key",
        "4: streams.freezers.outputs: no output is called databsae; did you mean database?",
        "4: streams.freezers.outputs: no output is called lake; expected some of database, archive",
        "4: streams.freezers.outputs: archive is named twice; name it once",
        "6: streams.washers.url: that is no address",
        "7: streams.washers.key_env: the environment has no variable NOWHERE",
        "9: streams.dryers.url: expected a text in quotes, got a whole number",
        "10: streams.dryers.seq_start: expected a whole number, got a text in quotes",
        "12: outputs.database.url: no such kind of output",
        "14: outputs.archive.uri: no such key; did you mean url?",
    ]
    assert len(said) == len(expected)
    for line, begin in zip(said, expected, strict=True):
        assert line.startswith(begin)


def test_streams_may_have_an_output_each_in_the_same_place(path: Path) -> None:
    """What is refused is one stream that goes there twice."""
    text = STREAM + 'outputs = ["database"]\n' + STREAM.replace("freezers", "washers") + 'outputs = ["archive"]\n'
    plan = read(path, text + OUTPUT + OUTPUT.replace("database", "archive"))
    assert [stream.outputs for stream in plan.streams] == [("database",), ("archive",)]


def test_all_mistakes_of_a_list_are_told_at_once(path: Path) -> None:
    """With the number of the stream."""
    path.write_text('[{"url": "ws://h", "id": 1.5}, {"url": "h", "key": "k"}, 7]')
    with pytest.raises(CommandError) as caught:
        read_plan(path, {})
    assert [line.removeprefix(f"{path}: ") for line in str(caught.value).splitlines()] == [
        "stream 1.id: expected a whole number or a text in quotes, got a number",
        "stream 1: no key; expected it here",
        "stream 2.url: that is no address of a stream; expected ws:// or wss://, as in wss://HOST/stream",
        "stream 3: expected a table",
    ]


@pytest.mark.parametrize(
    "text",
    [
        STREAM + OUTPUT,
        f'[streams.a]\nurl = "ws://h?stream_key={KEY}"\n{OUTPUT}',
        f'[{{"url": "ws://h", "key": "{KEY}"}}]',
    ],
)
def test_a_key_that_others_can_read_is_refused(path: Path, text: str) -> None:
    """The remedy is a command to copy."""
    path.chmod(0o640)
    assert refusal(path, text).endswith(f"others can read the stream key in this file; mend it with: chmod 600 {path}")


def test_a_key_file_that_others_can_read_is_refused(path: Path, tmp_path: Path) -> None:
    """Its own path is in the remedy."""
    (tmp_path / "key").touch(mode=0o644)
    said = refusal(path, f'[streams.a]\nurl = "ws://h"\nkey_file = "{tmp_path}/key"\n{OUTPUT}')
    assert said == f":3: streams.a.key_file: others can read {tmp_path}/key; mend it with: chmod 600 {tmp_path}/key"


def test_a_file_with_zero_bytes_holds_no_secret(path: Path, tmp_path: Path) -> None:
    """It is some other file."""
    (tmp_path / "url").touch(mode=0o600)
    (tmp_path / "url").write_bytes(b"jsonl:a\0b")
    said = refusal(path, STREAM + f'[outputs.c]\nurl_file = "{tmp_path}/url"\n')
    assert said == f":5: outputs.c.url_file: {tmp_path}/url holds no text"


def test_a_password_that_others_can_read_is_refused(path: Path, tmp_path: Path) -> None:
    """As with keys; an output without a password may be read by everybody."""
    path.chmod(0o644)
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text(KEY)
    stream = f'[streams.a]\nurl = "ws://h"\nkey_file = "{tmp_path}/key"\n'
    said = refusal(path, '[outputs.c]\nurl = "mysql://u:hunter2@h/d"\n' + stream)
    assert said.startswith(":2: outputs.c.url: others can read this password; mend it with: chmod 600")


def test_a_list_of_streams_as_in_the_samples_is_read(path: Path) -> None:
    """`id` and `name` make the name; `persistence` is "file", a URL of ours, several, or none."""
    listed = [
        {"id": 1, "name": "connectivity", "url": "wss://h/stream", "key": KEY, "persistence": "file"},
        {"id": 2, "name": "datapoint", "url": "wss://h/stream", "key": KEY, "persistence": "sqlite:///e.db"},
        {"id": 3, "name": "datapoint", "url": "wss://h/stream", "key": KEY, "persistence": ["file", "sqlite:///e.db"]},
        {"id": 4, "name": "location", "url": "wss://h/stream", "key": KEY, "persistence": "none"},
        {"url": "wss://h/stream", "key": KEY, "color": "red"},
    ]
    plan = read(path, json.dumps(listed))
    assert [(stream.name, stream.outputs) for stream in plan.streams] == [
        ("1-connectivity", ("jsonl:1-connectivity.jsonl",)),
        ("2-datapoint", ("sqlite:///e.db",)),
        ("3-datapoint", ("jsonl:3-datapoint.jsonl", "sqlite:///e.db")),
        ("5de7872a7ba0", ("jsonl:5de7872a7ba0.jsonl",)),
    ]
    assert len(plan.outputs) == 4


def test_outputs_of_the_command_line_stand_in_for_those_of_a_file(path: Path) -> None:
    """`--to` overrides what a list or a TOML file says of outputs."""
    to = (make_output("sqlite:///e.db"),)
    for text in (STREAM, STREAM + OUTPUT, json.dumps([{"url": "wss://h/stream", "key": KEY, "persistence": "mysql"}])):
        path.write_text(text)
        plan = read_plan(path, {}, to=to)
        assert list(plan.outputs) == ["sqlite:///e.db"]
        assert plan.streams[0].outputs == ("sqlite:///e.db",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[\n{id: 1}]", ":2: that is no JSON; expected a list of streams, with its names in double quotes"),
        ("{}", ": no list; expected [{"),
        ("[]", ": no streams in it;"),
        ('[{"url": "ws://h"}]', ": stream 1: no key; expected it here"),
        ('[{"url": "ws://h", "key": ""}]', ": stream 1.key: that is no stream key; expected"),
        (f'[{{"url": "h", "key": "{KEY}"}}]', ": stream 1.url: that is no address of a stream"),
        (f'[{{"id": "a/b", "url": "ws://h", "key": "{KEY}"}}]', ": stream 1.name: taken, or no name"),
        (
            f'[{{"url": "ws://h", "key": "{KEY}", "persistence": "mysql"}}]',
            ": stream 1.persistence: no such kind of output; expected sqlite:///events.db",
        ),
        (
            f'[{{"url": "ws://h", "key": "{KEY}", "persistence": ["file", "jsonl:a\\u0000b"]}}]',
            ": stream 1.persistence: there is a zero byte in it; expected a text without",
        ),
        (
            f'[{{"url": "ws://h", "key": "{KEY}", "persistence": ["file", "file"]}}]',
            ": stream 1.persistence: jsonl:5de7872a7ba0.jsonl is named twice; name it once",
        ),
        (
            f'[{{"id": 1, "url": "ws://h", "key": "{KEY}", "persistence": ["file", "jsonl:1.jsonl"]}}]',
            ": stream 1.persistence: jsonl:1.jsonl is named twice; name it once",
        ),
        (
            f'[{{"url": "ws://h", "key": "{KEY}", "persistence": ["mysql://u:hunter2@h/d", "mariadb://u:hunter2@h/d"]}}]',
            ": stream 1.persistence: mysql://u@h/d and mariadb://u@h/d are the same place; name one of them",
        ),
    ],
)
def test_a_mistake_in_a_list_is_told_with_the_number_of_the_stream(path: Path, text: str, said: str) -> None:
    """As in TOML, with the stream's number for a place."""
    assert refusal(path, text).startswith(said)


def test_a_file_that_is_not_there_or_no_text_is_told(path: Path) -> None:
    """Also one that is far too long."""
    with pytest.raises(CommandError, match="No such file or directory; `twinstream collect --example` prints one"):
        read_plan(path.with_name("other"), {})
    path.write_bytes(b"a\n\xff")
    with pytest.raises(CommandError, match=r":2: byte 0xff; expected UTF-8"):
        read_plan(path, {})
    path.write_bytes(b"#" * 2_000_000)
    with pytest.raises(CommandError, match="longer than"):
        read_plan(path, {})
