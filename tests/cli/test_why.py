"""`twinstream why` beside a server: what it prints of events that came and of such that did not, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from twinstream.cli.app import main
from twinstream.exits import EX_DATAERR, EX_FINDINGS, EX_USAGE
from twinstream.testing import Cloud, Stream, serve_in_thread

DSN = "AC000W000000001"
Ask = Callable[..., tuple[int, str, str]]


class Stage:
    """A server, and a stream of one LED's datapoints, made between a first event and two more."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        lamp = cloud.add_device(DSN, properties={"Blue_LED": "boolean", "Red_LED": "boolean"})
        lamp.report("Blue_LED", 0)
        self.blue: Stream = cloud.stream("datapoint", name="blue", property_name="Blue_LED")
        lamp.report("Blue_LED", 1)
        lamp.report("Red_LED", 1)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """What all tests here ask about; they change nothing."""
    with serve_in_thread() as cloud:
        yield Stage(cloud)


@pytest.fixture
def ask(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run `twinstream why` on the server's folder; answer exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        exit_code = main(["why", f"--data={stage.cloud.data}", *arguments])
        return exit_code, *capsys.readouterr()

    return run


def test_each_event_is_a_row_with_its_reason(ask: Ask) -> None:
    """The newest first: kept out by the property, waiting, older than the subscription; and the newest decides."""
    exit_code, output, errors = ask("--subscription", "blue", "--dsn", DSN, "--type", "datapoint")
    assert (exit_code, errors) == (EX_FINDINGS, "")
    head, *rows = output.splitlines()
    assert head.split() == ["TIME", "EVENT", "PROPERTY", "SEQ", "WHY"]
    assert [row.split(maxsplit=4)[1:] for row in rows] == [
        [
            "datapoint",
            "Red_LED",
            "-",
            "Its property, Red_LED, is none of those subscribed to or allowed: Blue_LED.",
        ],
        ["datapoint", "Blue_LED", "1", "It is number 1, and waits for a socket that reads it."],
        ["datapoint", "Blue_LED", "-", "It happened before the subscription was made."],
    ]


def test_an_event_that_came_is_a_success(ask: Ask, stage: Stage) -> None:
    """Named by the id of its subscription and picked by its property; for a program as JSON."""
    asked = ("--subscription", str(stage.blue.id), "--dsn", DSN, "--property", "Blue_LED", "--limit", "1", "--json")
    exit_code, output, _ = ask(*asked)
    assert exit_code == 0
    (verdict,) = json.loads(output)["verdicts"]
    assert (verdict["matched"], verdict["seq"], verdict["event"]["datapoint"]["value"]) == (True, "1", 1)
    datapoint_id = verdict["event"]["datapoint"]["id"]
    assert ask("--subscription", "blue", "--dsn", DSN, "--datapoint", datapoint_id, "--json")[:2] == (0, output)


def test_no_event_is_no_success(ask: Ask) -> None:
    """It says what that may mean."""
    exit_code, output, _ = ask("--subscription", "blue", "--dsn", "nowhere")
    assert (exit_code, output.startswith("No event of such a device")) == (EX_FINDINGS, True)


def test_a_suspended_subscription_says_so(ask: Ask, stage: Stage) -> None:
    """What matches waits until it is resumed."""
    twin = stage.cloud.stream("datapoint", name="asleep", property_name="Blue_LED")
    main(["admin", "subscription", "suspend", str(twin.id), f"--data={stage.cloud.data}"])
    assert "The subscription is suspended" in ask("--subscription", "asleep", "--dsn", DSN)[1]


@pytest.mark.parametrize(
    ("wanted", "exit_code", "told"),
    [(["nothing"], EX_DATAERR, "admin subscription list"), (["blue", "--limit", "0"], EX_USAGE, "from 1 to 100")],
)
def test_what_is_wrong_is_a_line(ask: Ask, wanted: list[str], exit_code: int, told: str) -> None:
    """And an exit code of its own."""
    ended, output, errors = ask("--dsn", DSN, "--subscription", *wanted)
    assert (ended, output) == (exit_code, "")
    assert told in errors
    assert errors.count("\n") == 1


def test_a_name_of_several_is_asked_for_the_id(ask: Ask, stage: Stage) -> None:
    """With the ids to choose from."""
    ids = [str(stage.cloud.stream("connectivity", name="both").id) for _ in range(2)]
    exit_code, _, errors = ask("--subscription", "both", "--dsn", DSN)
    assert exit_code == EX_USAGE
    assert ", ".join(ids) in errors
