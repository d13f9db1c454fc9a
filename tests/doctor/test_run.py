"""What doctor finds: the known faults of naive clients, a single one where the rest is right, nothing in our SDK."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import pytest

from twinstream.client.back_off import full_jitter_s
from twinstream.doctor.examination import FAST, Pace
from twinstream.doctor.link_case import REFUSALS, is_flat, is_tight
from twinstream.doctor.run import CASES, Plan, examine
from twinstream.doctor.verdict import Grade, Verdict
from twinstream.exits import EX_USAGE, CommandError

HERE = Path(__file__).parent
AT = "2026-09-24T10:26:37Z"
PLAN = Plan(command=(), pace=FAST, at=AT, jobs=4)

KNOWN_FAULTS = {
    "datapointack",
    "pipe-in-value",
    "pipe-z-in-value",
    "batch",
    "duplicate",
    "abrupt-close",
    "polite-close",
    "replay-overlap",
    "retention",
    "back-off",
    "key-expires",
}
"""What the documents' sample does wrong in any language: it splits at bars, looks for |Z, and never comes back."""

NOT_JUDGED = {
    "polite-close": "",
    "replay-overlap": ", so what it does with a replay that repeats events could not be judged",
    "retention": ", so what it does with a replay that begins late could not be judged",
    "back-off": ", so how long it waits when it is refused could not be judged",
    "key-expires": ", so what it does when its key has expired could not be judged",
}
"""What is told of a client that ended before the case came to its point."""


async def run(*command: str, only: tuple[str, ...] = (), plan: Plan = PLAN) -> Mapping[str, Verdict]:
    """Examine a client; answer the verdicts by case."""
    cases = [case for case in CASES if not only or case.name in only]
    plan = msgspec.structs.replace(plan, command=command)
    return {verdict.case: verdict async for verdict in examine(plan, cases)}


def of_grade(verdicts: Mapping[str, Verdict], grade: Grade) -> set[str]:
    """The cases that ended so."""
    return {name for name, verdict in verdicts.items() if verdict.grade is grade}


def tell(verdicts: Mapping[str, Verdict]) -> str:
    """All findings, for a test that fails."""
    return "\n".join(f"{v.case}: {f.grade}: {f.what}" for v in verdicts.values() for f in v.findings)


@pytest.fixture(scope="module")
def examined() -> Mapping[str, Mapping[str, Verdict]]:
    """Whole examinations, side by side since they mostly wait; by the name of the client."""
    commands = {
        "sdk": (sys.executable, str(HERE / "sdk.py")),
        "python": (sys.executable, str(HERE / "naive.py"), "{url}"),
        "node": ("node", str(HERE / "naive.mjs"), "{url}"),
    }
    if shutil.which("node") is None:
        del commands["node"]

    async def examine_all() -> list[Mapping[str, Verdict]]:
        return await asyncio.gather(*(run(*command) for command in commands.values()))

    return dict(zip(commands, asyncio.run(examine_all()), strict=True))


def test_the_sdk_passes_every_case(examined: Mapping[str, Mapping[str, Verdict]]) -> None:
    """Nothing is found in a client that stands on our SDK, and nothing of it stays unseen."""
    verdicts = examined["sdk"]
    assert list(verdicts) == [case.name for case in CASES]
    assert of_grade(verdicts, Grade.PASS) == set(verdicts), tell(verdicts)


def test_a_naive_client_in_python(examined: Mapping[str, Mapping[str, Verdict]]) -> None:
    """Its known faults are found, and no others. What websockets refuses by default, 1 MiB, is one of them."""
    verdicts = examined["python"]
    assert of_grade(verdicts, Grade.FAIL) == KNOWN_FAULTS | {"large-value"}, tell(verdicts)
    assert of_grade(verdicts, Grade.WARN) == {"keep-alive"}
    assert of_grade(verdicts, Grade.NOT_SEEN) == {"gap", "dead-link"}
    assert "KeyError: 'datapointack'" in verdicts["datapointack"].complaint
    assert "answered like a heartbeat" in tell(verdicts)
    for case, rest in NOT_JUDGED.items():
        (finding,) = verdicts[case].findings
        assert finding.what == (
            f"the client ended (exit code 1) instead of connecting again after close code 1012 (service restart){rest}"
        )


@pytest.mark.needs("node")
def test_a_naive_client_in_node(examined: Mapping[str, Mapping[str, Verdict]]) -> None:
    """The same faults are found in the documents' own JavaScript."""
    verdicts = examined["node"]
    assert of_grade(verdicts, Grade.FAIL) == KNOWN_FAULTS, tell(verdicts)
    assert of_grade(verdicts, Grade.WARN) == {"keep-alive"}
    assert of_grade(verdicts, Grade.NOT_SEEN) == {"gap", "dead-link"}


@pytest.mark.parametrize(
    ("fault", "case", "grade", "what"),
    [
        ("none", "polite-close", Grade.PASS, ""),
        ("no-resume", "abrupt-close", Grade.WARN, "without seq_start"),
        ("skips-one", "polite-close", Grade.FAIL, "007 was never processed"),
        ("no-memory", "replay-overlap", Grade.FAIL, "processed more than once"),
        ("no-memory", "duplicate", Grade.FAIL, "processed more than once"),
        ("skips-rest", "duplicate", Grade.FAIL, "events 9009004, 9009005, 9009006 were never processed"),
        ("storm", "expired-key", Grade.FAIL, "refused with status 401, it tried again 4 times"),
        ("storm", "key-expires", Grade.FAIL, "refused with status 401, it tried again 4 times"),
        ("text-order", "number-order", Grade.FAIL, "were never processed"),
        ("mangles", "non-ascii", Grade.FAIL, "came out as 'K?che"),
        ("answers-ok", "heartbeat", Grade.FAIL, "answered with 'ok'"),
        ("answers-twice", "heartbeat", Grade.FAIL, "3 heartbeats got more than 3 answers"),
        ("impatient", "late-heartbeat", Grade.FAIL, "when no heartbeat came for 1.3 s"),
    ],
)
async def test_a_single_fault(fault: str, case: str, grade: Grade, what: str) -> None:
    """Each fault is found where it belongs, in a client in which nothing else is wrong."""
    plan = Plan((), Pace(1.0, 8.0, 4.0, is_real=False), AT)
    verdicts = await run(sys.executable, str(HERE / "faulty.py"), "{url}", fault, only=(case,), plan=plan)
    assert list(verdicts) == ["plain", case]
    assert verdicts[case].grade is grade, tell(verdicts)
    assert what in tell(verdicts)


BACK_OFFS = {
    "none": (Grade.PASS, ""),
    "jitters": (Grade.PASS, ""),
    "no-wait": (Grade.FAIL, "it tries again without waiting: 4 attempts within 0."),
    "hasty": (Grade.FAIL, "it tries again without waiting: 4 attempts within 0."),
    "steady": (Grade.WARN, "its waits do not grow: "),
    "impolite": (Grade.WARN, " s after a refusal that said Retry-After: 6 (seconds)"),
    "gives-up": (Grade.FAIL, "after 1 refusal with status 503, so whether it heeds Retry-After"),
}
"""How clients wait that is not as it should be, or looks so; what is said of them, and nothing else."""


async def test_waits_are_judged_without_what_was_asked_for() -> None:
    """Who heeds Retry-After and has no wait of its own is found out, and who ignores it; who is out of luck is not."""
    client = (sys.executable, str(HERE / "faulty.py"), "{url}")
    examined = await asyncio.gather(*(run(*client, fault, only=("back-off",)) for fault in BACK_OFFS))
    for (grade, what), verdicts in zip(BACK_OFFS.values(), examined, strict=True):
        assert verdicts["back-off"].grade is grade, tell(verdicts)
        assert what in tell(verdicts)
        assert len(verdicts["back-off"].findings) == (grade is not Grade.PASS), tell(verdicts)


def test_full_jitter_is_hardly_ever_taken_for_none() -> None:
    """Waits as our SDK's are found wanting in less than one round of a hundred, so twice in a row in less than 1e-4."""
    random = Random(5)
    rounds = [[full_jitter_s(at, cap_s=30.0, random=random) for at in range(2, 2 + REFUSALS)] for _ in range(5000)]
    assert sum(is_tight(waits_s) or is_flat(waits_s) for waits_s in rounds) < 50
    assert is_flat([1.0, 1.1, 1.05])
    assert not is_flat([0.5, 0.7, 1.0])


async def test_a_heartbeat_without_an_answer() -> None:
    """A client that answers none has as long as anything else, and is then found out."""
    plan = Plan((), Pace(1.0, 3.0, 1.0, is_real=False), AT)
    verdicts = await run(sys.executable, str(HERE / "faulty.py"), "{url}", "mute", only=("heartbeat",), plan=plan)
    assert "heartbeats 0 were answered" in tell(verdicts)


async def test_what_is_processed_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the client appends to does as well as its output; what it held before counts for nothing."""
    done = tmp_path / "done.jsonl"
    done.write_text('{"seq":9000001}\n{"seq":9000001}\n')
    monkeypatch.setenv("DONE", str(done))
    plan = Plan((), FAST, AT, processed=str(done))
    only = ("batch", "duplicate")
    verdicts = await run(sys.executable, str(HERE / "faulty.py"), "{url}", "none", only=only, plan=plan)
    assert of_grade(verdicts, Grade.PASS) == {"plain", *only}, tell(verdicts)


async def test_a_client_that_shows_nothing() -> None:
    """That is a finding by itself, and the other cases say what cannot be seen; on request the wire alone is judged."""
    client = (sys.executable, str(HERE / "faulty.py"), "{url}", "silent")
    only = ("pipe-in-value",)
    short = Pace(1.0, 4.0, 1.0, is_real=False)
    verdicts = await run(*client, only=only, plan=Plan((), short, AT))
    assert verdicts["plain"].grade is Grade.FAIL
    assert verdicts["pipe-in-value"].grade is Grade.NOT_SEEN
    verdicts = await run(*client, only=only, plan=Plan((), FAST, AT, is_wire_only=True))
    assert verdicts["plain"].grade is Grade.PASS
    assert verdicts["pipe-in-value"].grade is Grade.NOT_SEEN


async def test_a_client_that_never_connects() -> None:
    """Without a connection there is one verdict; it says how the client ended, with its last words."""
    verdicts = await run(sys.executable, "-c", "import sys; sys.exit('no such option')")
    assert list(verdicts) == ["plain"]
    assert "ended (exit code 1) without connecting" in tell(verdicts)
    assert verdicts["plain"].complaint == "no such option\n"


async def test_a_client_that_cannot_be_started() -> None:
    """That is a mistake in the line."""
    with pytest.raises(CommandError, match=r"cannot be started: \./no-such-client") as caught:
        await run("./no-such-client")
    assert caught.value.exit_code == EX_USAGE


def test_numbers_only_go_up() -> None:
    """A client that keeps its place on disk meets higher numbers in each case, as far as the cases reach."""
    firsts = [case.first_seq for case in CASES]
    assert firsts == sorted(firsts)
    assert all(after - before >= 100 for before, after in pairwise(firsts))
