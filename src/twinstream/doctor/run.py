"""All cases one after the other (or some at a time), each with a server, a key and a run of the client of its own.

Owns the order of the cases and what is carried from the first one, `plain`, to the others: whether and how the
client shows what it processes. Knows nothing of how verdicts are printed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from twinstream.doctor.examination import Examination, Pace, StopCaseError
from twinstream.doctor.link_case import LINK_CASES
from twinstream.doctor.message_case import MESSAGE_CASES, play_fragments, play_gap, play_plain
from twinstream.doctor.sight import Habit
from twinstream.doctor.stage import Stage
from twinstream.doctor.subject import Subject, fill_in
from twinstream.doctor.traffic import Traffic
from twinstream.doctor.verdict import Grade, Verdict

FIRST_SEQ = 9_000_001
SEQS_PER_CASE = 1000
POWER_OF_TEN = 9_999_997
"""Where the numbers of the last case begin, which run over 10,000,000."""


class Case(msgspec.Struct, frozen=True):
    """One thing that is looked at; its events are numbered from ``first_seq`` on."""

    name: str
    title: str
    play: Callable[[Examination], Awaitable[None]]
    first_seq: int


class Plan(msgspec.Struct, frozen=True):
    """What is examined, and how. ``at`` is the time that the events tell.

    ``port`` 0: any free one; ``jobs`` cases at a time, which needs port 0. ``processed``: a file that is looked at in
    place of the output; ``is_wire_only``: neither is. ``command`` and ``processed`` may hold ``{url}`` and ``{case}``.
    ``run_id``, 16 hex digits, makes the stream keys of this run others than those of the next.
    """

    command: Sequence[str]
    pace: Pace
    at: str
    host: str = "127.0.0.1"
    port: int = 0
    jobs: int = 1
    processed: str = ""
    run_id: str = "0" * 16
    is_wire_only: bool = False


def _number(*rows: tuple[str, str, Callable[[Examination], Awaitable[None]]]) -> tuple[Case, ...]:
    return tuple(
        Case(name, title, play, POWER_OF_TEN if name == "number-order" else FIRST_SEQ + at * SEQS_PER_CASE)
        for at, (name, title, play) in enumerate(rows)
    )


_OF_MESSAGES = [(name, title, case.play) for name, title, case in MESSAGE_CASES]
CASES = _number(
    ("plain", "three datapoints in which there is nothing special", play_plain),
    *_OF_MESSAGES[:-1],
    ("fragments", "a message in several WebSocket frames", play_fragments),
    ("gap", "ten numbers that are missing", play_gap),
    *LINK_CASES,
    *_OF_MESSAGES[-1:],
)
"""All cases, in the order of their numbers, so that a client that keeps its place on disk only ever goes forward."""


async def examine(plan: Plan, cases: Sequence[Case] = CASES) -> AsyncGenerator[Verdict]:
    """Play `plain` and then the cases, and give each verdict when it is there, in order.

    If the client does not even connect in `plain`, that is the only verdict.

    Raises:
        CommandError: 64, the client cannot be started; 69, the address cannot be listened on.
    """
    plain = CASES[0]
    first, examination = await _play(plan, plain, None if plan.is_wire_only else Habit())
    yield first
    if not examination.stage.attempts:
        return
    habit = examination.sight.habit if examination.sees else None
    semaphore = asyncio.Semaphore(plan.jobs if plan.port == 0 else 1)

    async def play(case: Case) -> Verdict:
        async with semaphore:
            return (await _play(plan, case, habit))[0]

    tasks = [asyncio.create_task(play(case)) for case in cases if case is not plain]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _play(plan: Plan, case: Case, habit: Habit | None) -> tuple[Verdict, Examination]:
    began_s = asyncio.get_running_loop().time()
    examination = Examination(Traffic(case.first_seq, plan.at), plan.pace, habit)
    stage = examination.stage
    has_failed_itself = False
    async with stage.open(plan.host, plan.port):
        url, variables = _address(stage, case, plan)
        subject = Subject(
            [fill_in(part, url=url, case=case.name) for part in plan.command],
            on_output=examination.sight.feed,
            on_event=examination.ring,
            processed=Path(fill_in(plan.processed, url=url, case=case.name)) if plan.processed else None,
        )
        examination.subject = subject
        try:
            await subject.start(variables)
            await case.play(examination)
        except StopCaseError:
            pass
        finally:
            has_failed_itself = subject.has_ended and bool(subject.exit_code)
            await subject.end()
    took_s = asyncio.get_running_loop().time() - began_s
    has_findings = any(finding.grade is not Grade.NOT_SEEN for finding in examination.findings)
    complaint = subject.complaint if has_failed_itself and has_findings else ""
    return Verdict(case.name, case.title, tuple(examination.findings), took_s, complaint), examination


def _address(stage: Stage, case: Case, plan: Plan) -> tuple[str, dict[str, str]]:
    """Return the stream's URL for one case, and the variables that tell the client where it is."""
    host, port = stage.address
    shown = f"[{host}]" if ":" in host else host
    key = f"{plan.run_id}{case.first_seq:016x}"
    url = f"ws://{shown}:{port}/stream?stream_key={key}"
    return url, {
        "TWINSTREAM_URL": url,
        "TWINSTREAM_HOST": host,
        "TWINSTREAM_PORT": str(port),
        "TWINSTREAM_STREAM_KEY": key,
        "TWINSTREAM_HEARTBEAT_S": f"{plan.pace.interval_s:g}",
        "TWINSTREAM_CASE": case.name,
    }
