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
"""Who is refused three times, the last with Retry-After, and is back within that, does not wait at all."""
RESTARTED = "close code 1012 (service restart)"
STORM = 3
"""More attempts than that with a dead key, in a few seconds, are a storm."""

ANSWER = "Answer each heartbeat with exactly one text message, `Z` or `1|Z`: `if (message === '1|Z') socket.send('Z')`."
RESUME = (
    "Remember the seq of the last event that was processed, and come back for the next: "
    "`url + '&seq_start=' + (BigInt(last) + 1n)`."
)
WATCH = (
    "Set a timer whenever something arrives, and when 90 s (three heartbeats) pass without anything, drop the "
    "connection without waiting for its close, and connect again: "
    "`clearTimeout(timer); timer = setTimeout(reconnect, 90000)`."
)
PATIENT = "Wait for at least two more heartbeats before giving a connection up; networks delay them."
RETRY_AFTER = "Wait at least as long as a refusal's Retry-After header says."
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
    """Refuse a client that comes back three times with 503, the last time with Retry-After."""
    socket = await examination.connect()
    first, last = examination.traffic.datapoints(2)
    examination.sight.watch_for([first, last])
    await socket.send(first.record)
    await socket.beat()
    await examination.settle(socket, first)
    stage = examination.stage
    stage.refusals.extend([Refusal(503), Refusal(503), Refusal(503, retry_after_s=2)])
    await socket.close(1012)
    await examination.until(
        lambda: len(stage.attempts) > REFUSALS + 1 or examination.subject.has_ended, 2 * examination.pace.patience_s
    )
    refused = len(stage.attempts) - 1 - bool(stage.waiting)
    if refused:
        again = await examination.come_back(
            f"after {show_count(refused, 'refusal')} with status 503", untold="whether it heeds Retry-After"
        )
    else:
        again = await examination.come_back(f"after {RESTARTED}", untold="how long it waits when it is refused")
    times_s = [attempt.at_s for attempt in stage.attempts][-REFUSALS - 1 :]
    waits_s = [after - before for before, after in pairwise(times_s)]
    if sum(waits_s) < TIGHT_S:
        examination.fail(
            f"it tries again without waiting: {len(times_s)} attempts within {sum(waits_s):.2f} s", RECONNECT
        )
    elif waits_s[-1] < 1.9:
        examination.warn(
            f"it came again {waits_s[-1]:.1f} s after a refusal that said Retry-After: 2 (seconds)", RETRY_AFTER
        )
    await again.send(*(sample.record for sample in (first, last) if sample.seq >= (again.seq_start or last.seq)))
    await examination.settle(again, last)
    examination.check_processed([last], RESUME)


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
    ("back-off", "three refusals with 503", play_back_off),
    ("expired-key", "a stream key refused with 401", play_expired_key),
    ("key-expires", "a stream key that expires while it is in use", play_key_expires),
    ("closed-for-good", "a close with 4403", play_closed_for_good),
)
"""Name, title and play of each case about connections."""
