"""Cases of one connection: messages that are legal, and that clients trip over.

Owns what is sent and the remedy that belongs to it; all of them are played the same way (`_play`): an event in which
there is nothing special, the messages of the case, another such event.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from twinstream.doctor.examination import ONCE, PRINT_EVENTS, STAY_ALIVE, Examination
from twinstream.doctor.sight import speaks_of_gap
from twinstream.doctor.stage import Socket
from twinstream.doctor.traffic import Sample, Traffic
from twinstream.doctor.verdict import Grade

LARGE_CHARACTERS = 1024 * 1024
"""A value of 1 MiB; the message around it is longer than the 1 MiB that some libraries take by default."""


class Part(msgspec.Struct, frozen=True, eq=False):
    """What a case sends: messages, and the samples in them that have to be processed (``may``: or not)."""

    messages: tuple[str, ...]
    samples: tuple[Sample, ...]
    may: tuple[Sample, ...] = ()


def one_by_one(*samples: Sample) -> Part:
    """Send each sample in a message of its own."""
    return Part(tuple(sample.record for sample in samples), samples)


class MessageCase(msgspec.Struct, frozen=True):
    """A case that `play` can play. ``what`` completes "the client ended after …"."""

    what: str
    remedy: str
    make: Callable[[Traffic], Part]
    grade: Grade = Grade.FAIL

    async def play(self, examination: Examination) -> None:
        """Play the case."""

        async def send(socket: Socket, part: Part) -> None:
            await socket.send(*part.messages)

        await _play(examination, self, send)


async def play_plain(examination: Examination) -> None:
    """See whether the client connects and shows what it processes, and in how many lines."""
    socket = await examination.connect()
    samples = examination.traffic.datapoints(3)
    examination.sight.watch_for(samples)
    await socket.send(*(sample.record for sample in samples))
    await examination.settle(socket, samples[-1])
    examination.check_alive(socket, "after three datapoints in which there was nothing special", STAY_ALIVE)
    if not examination.sees:
        return
    await examination.until(lambda: False, 0.2)  # a second line for the last event may be under way
    if examination.sight.learn_habit(samples) is None:
        examination.sees = False
        examination.fail(
            "nothing in its output (or in the file of --processed) names the events that it was sent", PRINT_EVENTS
        )
        return
    examination.check_processed(samples, STAY_ALIVE)


async def play_fragments(examination: Examination) -> None:
    """Send a message in several frames."""

    async def send(socket: Socket, part: Part) -> None:
        for message in part.messages:
            await socket.send_in_fragments(message, 100)

    await _play(
        examination,
        MessageCase(
            "a message in several WebSocket frames",
            "Let a WebSocket library put messages together (RFC 6455 section 5.4); don't read frames yourself.",
            lambda traffic: one_by_one(traffic.datapoint("in fragments")),
        ),
        send,
    )


async def _play(examination: Examination, case: MessageCase, send: Callable[[Socket, Part], Awaitable[None]]) -> None:
    socket = await examination.connect()
    before = examination.traffic.datapoint()
    part = case.make(examination.traffic)
    after = examination.traffic.datapoint()
    examination.sight.watch_for([before, *part.samples, *part.may, after])
    await socket.send(before.record)
    await send(socket, part)
    await socket.send(after.record)
    await examination.settle(socket, after)
    examination.check_alive(socket, f"after {case.what}", f"{case.remedy} {STAY_ALIVE}", case.grade)
    if socket.answers > socket.beats:
        examination.fail(f"{case.what} was answered like a heartbeat", case.remedy)
    examination.check_processed([*part.samples, after], case.remedy, case.grade)
    examination.check_once(part.may)


SPLIT = (
    "Split at the first bar only; behind it stands the event's JSON, with all bars that are in it: "
    "`const bar = message.indexOf('|'); const event = JSON.parse(message.slice(bar + 1))`."
)
COMPARE = (
    "Answer a message that is exactly `1|Z`, and no other that has these characters in it: "
    "`if (message === '1|Z') socket.send('Z')`."
)
BATCH = (
    "Go by the length in front of each record: read the number up to the bar, take so many characters, and begin again "
    "behind them until the message is used up; a record that is skipped takes none of those behind it along."
)
ACK = (
    "The body of a datapointack is under `datapoint`, as in the documents' sample: read `event.datapoint.value`, not "
    "`event.datapointack.value`."
)
LENGTH = (
    "Decode messages as UTF-8, and take a record that is alone in its message from the first bar to the end, whatever "
    "its length says: it may count bytes or characters."
)
LARGE = (
    "Raise the longest message that the WebSocket library takes: `connect(url, max_size=4 * 1024 * 1024)` in Python, "
    "`new WebSocket(url, {maxPayload: 4194304})` with Node's ws."
)
NULLS = (
    "Take null for a value, a user or a time, and look for it before using them: `if (event.datapoint.value !== null)`."
)
UNKNOWN = (
    "Leave out what you don't know: event types, members and missing `resource_tags`. Decode with unknown fields "
    "allowed, and give the switch over event_type a default branch that does nothing."
)
NUMBERS = (
    "seq is a number in a string: compare `BigInt(event.seq)` (or `int(event['seq'])`), since as text '10000000' comes "
    "before '9999999'."
)
KEEP_ALIVE = "Leave out a message whose part behind the bar is no JSON object; the mobile SDKs know and ignore `1|X`."


def _batch(traffic: Traffic) -> Part:
    samples = (traffic.datapoint(), traffic.datapoint("a|b"), traffic.connectivity(), traffic.datapoint())
    return Part(("".join(sample.record for sample in samples),), samples)


def _nulls(traffic: Traffic) -> Part:
    return one_by_one(
        traffic.datapoint(None, user_uuid=None), traffic.connectivity(user_uuid=None), traffic.registration()
    )


def _characters(traffic: Traffic) -> Part:
    sample = traffic.datapoint("Küche 温度 21 °C", ascii_only=False)
    return Part((sample.record_in_characters,), (sample,))


def _unknown(traffic: Traffic) -> Part:
    known = traffic.datapoint(2, metadata={"zone": {"id": 3}, "resource_tags": ["a"]}, scope="user", discarded=False)
    unknown = traffic.unknown()
    return Part((known.record, unknown.record), (known,), (unknown,))


def _duplicate(traffic: Traffic) -> Part:
    samples = traffic.datapoints(5)
    first, second, *rest = (sample.record for sample in samples)
    return Part((first, first, second, "".join((first, second, *rest)), first), tuple(samples))


async def play_gap(examination: Examination) -> None:
    """Leave ten numbers out, and look whether the client goes on and tells it, or comes back and asks for them."""
    socket = await examination.connect()
    first = examination.traffic.datapoint()
    examination.traffic.skip(10)
    later = examination.traffic.datapoints(2)
    examination.sight.watch_for([first, *later])
    await socket.send(*(sample.record for sample in (first, *later)))
    await examination.settle(socket, later[-1])
    has_asked = False
    if not (socket.is_open or examination.subject.has_ended):
        again = await examination.come_back("after a gap in the numbers")
        has_asked = again.seq_start == first.seq + 1
        if has_asked:  # the answer: they are no longer kept
            await again.send(*(sample.record for sample in later))
            await examination.settle(again, later[-1])
            socket = again
    examination.check_alive(socket, "after a gap in the numbers", f"{GAP} {STAY_ALIVE}")
    examination.check_processed([first, *later], GAP)
    if not (has_asked or examination.sight.tells_gap or speaks_of_gap(examination.subject.complaint)):
        examination.not_seen(
            "it went on behind the gap; whether it noticed that ten events are gone could not be seen",
            "Compare each seq with the one before, and tell when it is more than one higher: `gap: 12 to 21`.",
        )


GAP = "Go on behind a gap, at the latest when asking for what is missing (`seq_start`) has brought nothing more."

_LARGE_TEXT = "0123456789abcde\n" * (LARGE_CHARACTERS // 16)

MESSAGE_CASES: Sequence[tuple[str, str, MessageCase]] = (
    (
        "event-types",
        "connectivity, location and registration",
        MessageCase(
            "the event types of the documents",
            UNKNOWN,
            lambda traffic: one_by_one(traffic.connectivity(), traffic.location(), traffic.registration()),
        ),
    ),
    (
        "datapointack",
        "a datapointack, whose body's key is datapoint",
        MessageCase("a datapointack", ACK, lambda traffic: one_by_one(traffic.datapointack())),
    ),
    (
        "pipe-in-value",
        "a | in a value",
        MessageCase("a value with | in it", SPLIT, lambda traffic: one_by_one(traffic.datapoint("open|closed"))),
    ),
    (
        "pipe-z-in-value",
        "a |Z in a value",
        MessageCase(
            "a value with |Z in it", f"{COMPARE} {SPLIT}", lambda traffic: one_by_one(traffic.datapoint("A|Zed"))
        ),
    ),
    (
        "non-ascii",
        "text beyond ASCII, escaped and as UTF-8 (length in bytes)",
        MessageCase(
            "text beyond ASCII",
            LENGTH,
            lambda traffic: one_by_one(
                traffic.datapoint("Küche 温度 🌡"), traffic.datapoint("Küche 温度 21 °C", ascii_only=False)
            ),
        ),
    ),
    (
        "length-in-characters",
        "text beyond ASCII as UTF-8, length in characters",
        MessageCase("a length that counts characters", LENGTH, _characters, Grade.WARN),
    ),
    (
        "large-value",
        "a value of 1 MiB",
        MessageCase("a value of 1 MiB", LARGE, lambda traffic: one_by_one(traffic.datapoint(_LARGE_TEXT))),
    ),
    ("batch", "several records in one message", MessageCase("several records in one message", BATCH, _batch)),
    (
        "duplicate",
        "events that come again, also in front of new ones in one message",
        MessageCase("an event that comes again", ONCE, _duplicate),
    ),
    ("null-fields", "null in value, user and times", MessageCase("fields that are null", NULLS, _nulls)),
    (
        "unknown-fields",
        "an unknown event type, unknown members",
        MessageCase("an event type and members that the documents don't have", UNKNOWN, _unknown),
    ),
    (
        "keep-alive",
        "1|X, which mobile SDKs ignore",
        MessageCase("the keep-alive message 1|X", KEEP_ALIVE, lambda _: Part(("1|X",), ()), Grade.WARN),
    ),
    (
        "number-order",
        "numbers that get one digit longer",
        MessageCase("numbers that get a digit longer", NUMBERS, lambda traffic: one_by_one(*traffic.datapoints(4))),
    ),
)
"""Name, title and play of each case that is messages alone; `number-order` is the one whose numbers run over a power
of ten."""
