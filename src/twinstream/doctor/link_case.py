"""Cases about the connection itself: heartbeats, silence, closes, refusals, and going on where it was.

Owns what happens to a connection and what the client has to do then. The server of these cases remembers as a real one
does: a client that comes back with ``seq_start`` gets what it asks for, one without it what it has not acknowledged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

from twinstream.doctor.examination import RECONNECT, STAY_ALIVE, Examination
from twinstream.doctor.stage import ANSWERS, Refusal, Socket
from twinstream.doctor.traffic import Sample
from twinstream.doctor.verdict import Grade
from twinstream.model.count import show_count

LATE = 4 / 3
"""A late heartbeat comes after so many intervals: 40 s of real time."""
REFUSALS = 3
TIGHT_S = 0.5
"""Who comes again so soon after three refusals, all waits together, does not wait at all."""
GROWTH = 1.25
"""Waits of which the longest is less than so many times the shortest do not grow."""
ROUNDS = 2
"""So often waits have to be found wanting. Why not once: with full jitter a sane client's waits are so by chance one
time in two hundred."""
RETRY_AFTER_S = 6
"""More than a client waits of its own accord after its first refusal."""
RESTARTED = "close code 1012 (service restart)"
STORM = 3
"""More attempts than that with a dead key, in a few seconds, are a storm."""

ANSWER = "Answer each heartbeat with exactly one text message, `Z` or `1|Z`: `if (message === '1|Z') socket.send('Z')`."
RESUME = (
    "Remember the seq of the last event that was processed, and come back for the next, with that number plus one in "
    "the parameter seq_start of the address: `url + '&seq_start=' + (BigInt(last) + 1n)`."
)
WATCH = (
    "Set a timer whenever something arrives, and when 90 s (three heartbeats) pass without anything, drop the "
    "connection without waiting for its close, and connect again: "
    "`clearTimeout(timer); timer = setTimeout(reconnect, 90000)`."
)
PATIENT = "Wait for at least two more heartbeats before giving a connection up; networks delay them."
RETRY_AFTER = (
    "Wait at least as long as a refusal's Retry-After header says, in seconds; without one, as long as ever: "
    "`Math.max(wait, 1000 * Number(response.headers['retry-after'] ?? 0))`."
)
HOW_LONG = "how long it waits when it is refused"
STOP = (
    "Don't try again what cannot succeed: on status 401 or 403, or close codes 4401 and 4403, stop, tell it, and get a "
    "new stream key."
)


async def play_heartbeat(examination: Examination) -> None:
    """Send three heartbeats between events."""
    socket = await examination.connect()
    for sample in examination.traffic.datapoints(3):
        examination.sight.watch_for([sample])
        await socket.send(sample.record)
        await socket.beat()
    await examination.until(lambda: len(socket.received) >= socket.beats or not socket.is_open)
    await examination.until(lambda: len(socket.received) > socket.beats, 0.2)
    examination.check_alive(socket, "after a heartbeat", ANSWER)
    if others := [text for text in socket.received if text not in ANSWERS]:
        examination.fail(f"a heartbeat was answered with {others[0][:40]!r}", ANSWER)
    elif socket.answers < 3:
        examination.fail(f"of {socket.beats} heartbeats {socket.answers} were answered", ANSWER)
    elif socket.answers > socket.beats:
        examination.fail(f"{socket.beats} heartbeats got more than {socket.beats} answers", ANSWER)


async def play_late_heartbeat(examination: Examination) -> None:
    """Let a heartbeat come a third of an interval late."""
    socket = await examination.connect()
    first, last = examination.traffic.datapoints(2)
    examination.sight.watch_for([first, last])
    await socket.send(first.record)
    await socket.beat()
    await examination.settle(socket, first)
    socket.mute()
    late_s = LATE * examination.pace.interval_s
    await examination.until(lambda: not socket.is_open or examination.subject.has_ended, late_s)
    await examination.until(lambda: examination.subject.has_ended, 0 if socket.is_open else 1)
    examination.check_alive(
        socket, f"when no heartbeat came for {late_s:.1f} s, a third more than the interval", PATIENT
    )
    await socket.beat()
    await socket.send(last.record)
    await examination.settle(socket, last)
    examination.check_alive(socket, "after a late heartbeat", PATIENT)
    examination.check_processed([first, last], STAY_ALIVE)


async def play_dead_link(examination: Examination) -> None:
    """Say nothing any more, and answer nothing, without closing."""
    socket = await examination.connect()
    samples = examination.traffic.datapoints(3)
    examination.sight.watch_for(samples)
    await socket.send(samples[0].record)
    await socket.beat()
    await examination.settle(socket, samples[0])
    socket.freeze()
    await examination.until(lambda: bool(examination.stage.waiting) or examination.subject.has_ended)
    if not examination.stage.waiting and not examination.subject.has_ended and not examination.pace.is_real:
        examination.not_seen(
            f"it noticed no dead connection within {examination.pace.patience_s:g} s, which says nothing of a client "
            "whose own time-out is made for heartbeats every 30 s",
            f"Run doctor with --real-time --only dead-link; or take the interval from TWINSTREAM_HEARTBEAT_S. {WATCH}",
        )
        return
    again = await examination.come_back("after the server went silent", WATCH)
    await again.send(*(sample.record for sample in samples if sample.seq >= (again.seq_start or 0)))
    await examination.settle(again, samples[-1])
    examination.check_processed(samples, RESUME)


async def play_abrupt_close(examination: Examination) -> None:
    """End the connection in the middle of a frame, without a close frame."""

    async def cut(socket: Socket, sample: Sample) -> None:
        socket.cut(sample.record)

    await _interrupt(examination, cut, "after the connection was cut")


async def play_polite_close(examination: Examination) -> None:
    """Close with 1012 between two events."""
    await _interrupt(examination, _restart, f"after {RESTARTED}")


async def play_overlap(examination: Examination) -> None:
    """After a restart, send again what the client already has."""
    await _interrupt(
        examination, _restart, f"after {RESTARTED}", overlap=3, untold="what it does with a replay that repeats events"
    )


async def play_retention(examination: Examination) -> None:
    """After a restart, begin later than asked: what lies between is no longer kept."""
    await _interrupt(
        examination, _restart, f"after {RESTARTED}", lost=2, untold="what it does with a replay that begins late"
    )


async def play_back_off(examination: Examination) -> None:
    """Refuse a client that comes back with 503: once with Retry-After, and, when it was up again, three times without.

    Why in that order: after its first refusal a client's own wait is short and cannot be taken for the one asked for;
    and the waits that are judged hold none that was asked for. See `ROUNDS` for the rest.
    """
    socket = await examination.connect()
    samples = [examination.traffic.datapoint()]
    examination.sight.watch_for(samples)
    await socket.send(samples[0].record)
    await socket.beat()
    await examination.settle(socket, samples[0])
    refusal = Refusal(503, retry_after_s=RETRY_AFTER_S)
    socket, waits_s = await _refuse(examination, socket, samples, [refusal], "whether it heeds Retry-After")
    if sum(waits_s) < RETRY_AFTER_S - 0.1:
        examination.warn(
            f"it came again {sum(waits_s):.1f} s after a refusal that said Retry-After: {RETRY_AFTER_S} (seconds)",
            RETRY_AFTER,
        )
    for _ in range(ROUNDS):
        refusals = [Refusal(503)] * REFUSALS
        socket, waits_s = await _refuse(examination, socket, samples, refusals, HOW_LONG)
        if not (is_tight(waits_s) or is_flat(waits_s)):
            break
    else:
        if is_tight(waits_s):
            examination.fail(
                f"it tries again without waiting: {len(waits_s) + 1} attempts within {sum(waits_s):.2f} s", RECONNECT
            )
        else:
            told = ", ".join(f"{wait_s:.1f}" for wait_s in waits_s)
            examination.warn(f"its waits do not grow: {told} s after {REFUSALS} refusals in a row", RECONNECT)
    examination.check_processed(samples, RESUME)


def is_tight(waits_s: Sequence[float]) -> bool:
    """Tell whether the waits after refusals in a row come to nearly nothing."""
    return sum(waits_s) < TIGHT_S


def is_flat(waits_s: Sequence[float]) -> bool:
    """Tell whether the waits after refusals in a row are all about the same."""
    return max(waits_s, default=0.0) < GROWTH * min(waits_s, default=0.0)


async def play_expired_key(examination: Examination) -> None:
    """Refuse the key with 401 from the beginning."""
    examination.stage.refusal_of_all = Refusal(401)
    await examination.until(lambda: bool(examination.stage.attempts) or examination.subject.has_ended)
    if not examination.stage.attempts:
        await examination.connect()  # says that it did not
    await _watch_stop(examination, 1, "refused with status 401")


async def play_key_expires(examination: Examination) -> None:
    """Close with 1012, and refuse the key with 401 from then on."""
    socket = await examination.connect()
    examination.stage.refusal_of_all = Refusal(401)
    await _send_one(examination, socket)
    await socket.close(1012)
    await examination.until(lambda: len(examination.stage.attempts) > 1 or examination.subject.has_ended)
    if len(examination.stage.attempts) == 1:
        await examination.come_back(f"after {RESTARTED}", untold="what it does when its key has expired")
    await _watch_stop(examination, 2, "refused with status 401")


async def play_closed_for_good(examination: Examination) -> None:
    """Close with 4403 (suspended or deleted), and refuse the key with 403 from then on."""
    socket = await examination.connect()
    examination.stage.refusal_of_all = Refusal(403)
    await _send_one(examination, socket)
    await socket.close(4403)
    await _watch_stop(examination, 1, "closed with 4403 (subscription suspended or deleted)")


async def _send_one(examination: Examination, socket: Socket) -> None:
    sample = examination.traffic.datapoint()
    examination.sight.watch_for([sample])
    await socket.send(sample.record)
    await examination.settle(socket, sample)


async def _refuse(
    examination: Examination, socket: Socket, samples: list[Sample], refusals: Sequence[Refusal], untold: str
) -> tuple[Socket, list[float]]:
    """Close with 1012 and refuse the next attempts; return the connection that comes after them, and the wait after
    each refusal. Over that connection one more sample is processed, which is added to ``samples``.
    """
    stage = examination.stage
    began = len(stage.attempts)
    due = began + len(refusals) + 1
    stage.refusals.extend(refusals)
    await socket.close(1012)
    await examination.until(
        lambda: len(stage.attempts) >= due or examination.subject.has_ended, 2 * examination.pace.patience_s
    )
    refused = min(len(stage.attempts) - began, len(refusals))
    if refused:
        again = await examination.come_back(f"after {show_count(refused, 'refusal')} with status 503", untold=untold)
    else:
        again = await examination.come_back(f"after {RESTARTED}", untold=HOW_LONG)
    times_s = [attempt.at_s for attempt in stage.attempts[began:due]]
    sample = examination.traffic.datapoint()
    samples.append(sample)
    examination.sight.watch_for([sample])
    await again.send(*(one.record for one in samples if one.seq >= (again.seq_start or sample.seq)))
    await examination.settle(again, sample)
    return again, [after - before for before, after in pairwise(times_s)]


async def _watch_stop(examination: Examination, due: int, why: str) -> None:
    """Watch a client for a while that has no reason for more than ``due`` attempts."""
    stage = examination.stage
    await examination.until(
        lambda: len(stage.attempts) > due + STORM or examination.subject.has_ended, examination.pace.stop_s
    )
    more = len(stage.attempts) - due
    if more > 0:
        grade = Grade.FAIL if more > STORM else Grade.WARN
        times = "once" if more == 1 else f"{more} times"
        examination.fail(f"{why}, it tried again {times} within {examination.pace.stop_s:g} s", STOP, grade=grade)


async def _restart(socket: Socket, _: Sample) -> None:
    await socket.close(1012)


async def _interrupt(
    examination: Examination,
    end: Callable[[Socket, Sample], Awaitable[None]],
    why: str,
    *,
    overlap: int = 0,
    lost: int = 0,
    untold: str = "",
) -> None:
    """End the connection within a burst of ten events, and see whether all are processed, each once.

    The client acknowledges four, gets two more, and the connection ends in the seventh. ``overlap``: so many come again
    that it has said it has; ``lost``: so many of those that it asks for are no longer kept; ``untold``: see
    `Examination.come_back`.
    """
    socket = await examination.connect()
    samples = examination.traffic.datapoints(10)
    examination.sight.watch_for(samples)
    await socket.send(*(sample.record for sample in samples[:4]))
    await socket.beat()
    await examination.until(lambda: socket.answers >= socket.beats or not socket.is_open)
    await socket.send(*(sample.record for sample in samples[4:6]))
    await examination.settle(socket, samples[5])
    examination.check_alive(socket, "after six datapoints in which there was nothing special", STAY_ALIVE)
    acknowledged = samples[4].seq if socket.answers else samples[0].seq
    await end(socket, samples[6])
    again = await examination.come_back(why, untold=untold)
    if again.seq_start is None:
        examination.warn(
            f"it came back {why} without seq_start: a server that does not remember its place sends only what is new",
            RESUME,
        )
    start = again.seq_start if again.seq_start is not None else acknowledged
    gone = [sample for sample in samples if start <= sample.seq < start + lost]
    await again.send(*(s.record for s in samples if s.seq >= start - overlap and s not in gone))
    await examination.settle(again, samples[-1])
    examination.check_alive(again, "after events that followed a reconnection", STAY_ALIVE)
    examination.check_processed([sample for sample in samples if sample not in gone], RESUME)


LINK_CASES: Sequence[tuple[str, str, Callable[[Examination], Awaitable[None]]]] = (
    ("heartbeat", "three heartbeats, each to be answered once", play_heartbeat),
    ("late-heartbeat", "a heartbeat that is late", play_late_heartbeat),
    ("dead-link", "a server that falls silent without closing", play_dead_link),
    ("abrupt-close", "a connection cut in the middle of a message", play_abrupt_close),
    ("polite-close", "a close with 1012 in the middle of a burst", play_polite_close),
    ("replay-overlap", "a replay that repeats events", play_overlap),
    ("retention", "a replay that begins later than asked", play_retention),
    ("back-off", "refusals with 503, with Retry-After and without", play_back_off),
    ("expired-key", "a stream key refused with 401", play_expired_key),
    ("key-expires", "a stream key that expires while it is in use", play_key_expires),
    ("closed-for-good", "a close with 4403", play_closed_for_good),
)
"""Name, title and play of each case about connections."""
