"""The verdict: all damage done by hand is found under its name and no other, and a naive oracle agrees."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinstream.truth.journal import Sent
from twinstream.truth.verdict import KINDS, Row, Verdict, judge

MAYBE = Sent("A", "A", "level", 4)
REFUSED = Sent("A", "A", "level", 5, is_refused=True)
ACCEPTED = [Sent("A", "A", "level", value, f"id-{value}") for value in (1, 2, 3)]
OTHER = Sent("B", "B", "level", 1, "id-B")
SENT = [*ACCEPTED, MAYBE, REFUSED, OTHER]


def row(seq: int, one: Sent, *, datapoint_id: str | None = None) -> Row:
    """The row of a datapoint."""
    return Row("s", seq, datapoint_id or one.id, one.dsn, one.property, one.value)


CLEAN = [row(seq, one) for seq, one in enumerate([*ACCEPTED, OTHER], 1)]


def counts(verdict: Verdict) -> dict[str, int]:
    """The findings that there are."""
    return {word: finding.count for word, finding in verdict.findings.items() if finding.count}


def test_a_whole_collection_is_clean() -> None:
    """Everything accepted is there once, in order; what was refused or not answered is not."""
    verdict = judge(SENT, CLEAN)
    assert verdict.is_clean
    assert (verdict.accepted, verdict.maybe, verdict.rows, verdict.streams) == (4, 1, 4, ("s",))
    assert list(verdict.findings) == list(KINDS)


def test_what_was_not_answered_may_be_there_once() -> None:
    """Under an id that nobody was told; a second such row is one too many."""
    once = [*CLEAN, row(5, MAYBE, datapoint_id="id-4")]
    assert judge(SENT, once).is_clean
    assert counts(judge(SENT, [*once, row(6, MAYBE, datapoint_id="id-5")])) == {"unexpected": 1}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (CLEAN[:3], {"missing": 1}),
        ([*CLEAN[:1], *CLEAN[2:]], {"missing": 1, "gap": 1}),
        ([*CLEAN, row(5, ACCEPTED[0])], {"doubled": 1}),
        ([*CLEAN, CLEAN[3]], {"doubled": 1}),
        ([CLEAN[0], CLEAN[2], CLEAN[1], CLEAN[3]], {"out of order": 1}),
        ([row(1, ACCEPTED[1]), row(2, ACCEPTED[0]), *CLEAN[2:]], {"out of order": 1}),
        ([*CLEAN, row(5, REFUSED, datapoint_id="id-5")], {"unexpected": 1}),
        ([*CLEAN[:3], Row("s", 4, "id-B", "B", "level", 2)], {"divergent": 1}),
        ([*CLEAN[:3], Row("s", 4, "id-B", "B", "other", 1)], {"divergent": 1}),
        ([*CLEAN[:3], Row("s", 9, "id-B", "B", "level", 1)], {"gap": 5}),
        ([*CLEAN[:3], Row("s", 3, "id-B", "B", "level", 1)], {"doubled": 1}),
        ([], {"missing": 4}),
    ],
)
def test_all_damage_is_found_under_its_name(rows: list[Row], expected: dict[str, int]) -> None:
    """Each kind shows as what it is, and as nothing else. A row taken out of the midst is a number missing too."""
    verdict = judge(SENT, rows)
    assert counts(verdict) == expected
    assert all(bool(finding.examples) == bool(finding.count) for finding in verdict.findings.values())


def test_senders_are_in_no_order_to_each_other() -> None:
    """A user's setting and a device's report of the same device may come either way round."""
    sent = [Sent("A", "A", "level", 1, "id-1"), Sent("user", "A", "level", 2, "id-2")]
    assert judge(sent, [row(1, sent[1]), row(2, sent[0])]).is_clean


def test_rows_that_are_not_the_fleets_count_for_their_numbers_only() -> None:
    """Other devices and other types of events fill numbers, and are neither expected nor unexpected."""
    others = [Row("s", 5), Row("s", 6, "x", "ELSEWHERE", "level", 1)]
    assert judge(SENT, [*CLEAN, *others]).is_clean
    assert counts(judge(SENT, [*CLEAN, others[1]])) == {"gap": 1}


def test_each_stream_is_judged_for_itself() -> None:
    """What is wrong in one of two is said to be there; a stream without datapoints is not expected to have any."""
    second = [Row("t", row.seq, row.id, row.dsn, row.property, row.value) for row in CLEAN[:3]]
    verdict = judge(SENT, [*CLEAN, *second, Row("online", 1)])
    assert counts(verdict) == {"missing": 1}
    assert verdict.findings["missing"].examples == ("t: B level = 1 id-B",)
    assert verdict.streams == ("online", "s", "t")


def test_a_stream_without_datapoints_is_judged_by_its_numbers() -> None:
    """Beside others, or alone: a row twice, rows out of order and numbers that are not there are found."""
    online = [Row("online", seq) for seq in (1, 2, 2, 6, 5)]
    expected = {"doubled": 1, "out of order": 1, "gap": 2}
    assert counts(judge(SENT, [*CLEAN, *online])) == expected
    assert counts(judge(SENT, online)) == {"missing": 4} | expected


def test_what_was_accepted_later_need_not_be_there() -> None:
    """While the fleet goes on, only what was accepted before the look has to be collected; the rest may be."""
    before = {"id-1", "id-2", "id-3"}
    verdict = judge(SENT, CLEAN[:3], required=before)
    assert verdict.is_clean
    assert (verdict.accepted, verdict.later) == (3, 1)
    assert judge(SENT, CLEAN, required=before).is_clean
    assert counts(judge(SENT, CLEAN[:2], required=before)) == {"missing": 1}


def test_a_datapoint_that_changed_nothing_is_expected_once() -> None:
    """Where only changes are tracked, the server answers an equal value with the datapoint that there is."""
    assert judge([*ACCEPTED, ACCEPTED[2]], CLEAN[:3]).is_clean


def test_of_many_findings_the_first_are_named() -> None:
    """Three examples, and the number of all."""
    finding = judge(SENT, []).findings["missing"]
    assert (finding.count, len(finding.examples)) == (4, 3)


SENTS = st.lists(
    st.builds(
        Sent,
        by=st.sampled_from("AU"),
        dsn=st.sampled_from("AB"),
        property=st.just("p"),
        value=st.integers(0, 2),
        id=st.one_of(st.none(), st.sampled_from("abcdef")),
        is_refused=st.booleans(),
    ).map(lambda one: one if one.id is None else Sent(one.by, one.dsn, one.property, one.value, one.id)),
    max_size=6,
    unique_by=lambda one: one.id or object(),
)
ROWS = st.lists(
    st.builds(
        Row,
        stream=st.just("s"),
        seq=st.integers(1, 8),
        id=st.sampled_from("abcdefgh"),
        dsn=st.sampled_from("ABC"),
        property=st.just("p"),
        value=st.integers(0, 2),
    ),
    max_size=8,
)


@given(SENTS, ROWS, st.booleans())
def test_a_naive_oracle_agrees(sent: list[Sent], rows: list[Row], is_true: bool) -> None:
    """For any run and any table; half of the tables are made from the run, so that they nearly agree with it."""
    if is_true:
        accepted = [one for one in sent if one.id]
        rows = [Row("s", seq, one.id, one.dsn, one.property, one.value) for seq, one in enumerate(accepted, 1)] + rows[
            :2
        ]
    assert counts(judge(sent, rows)) == ask_oracle(sent, rows)


def ask_oracle(sent: Sequence[Sent], rows: Sequence[Row]) -> dict[str, int]:
    """Each finding by its definition, by comparing everything with everything."""
    first = [
        row
        for place, row in enumerate(rows)
        if row.dsn in {one.dsn for one in sent}
        and row.id not in {before.id for before in rows[:place] if before.dsn in {one.dsn for one in sent}}
    ]
    place_of = {one.id: place for place, one in enumerate(sent) if one.id}
    found = dict.fromkeys(KINDS, 0)
    found["missing"] = sum(one.id not in [row.id for row in first] for one in sent if one.id)
    for place, row in enumerate(rows):
        before = rows[:place]
        if row.seq in [one.seq for one in before] or row.id in [one.id for one in before if one in first]:
            found["doubled"] += 1
        elif any(one.seq > row.seq for one in before):
            found["out of order"] += 1
    for row in first:
        if row.id not in place_of:
            continue
        one = sent[place_of[row.id]]
        found["divergent"] += (one.dsn, one.property, one.value) != (row.dsn, row.property, row.value)
        place = first.index(row)
        for other in first:
            if other.id in place_of and place_of[other.id] > place_of[row.id]:
                later = sent[place_of[other.id]]
                is_before = (other.seq, first.index(other)) < (row.seq, place)
                if (later.by, later.dsn) == (one.by, one.dsn) and is_before:
                    found["out of order"] += 1
                    break
    strangers = [(row.dsn, row.value) for row in first if row.id not in place_of]
    maybes = [(one.dsn, one.value) for one in sent if one.id is None and not one.is_refused]
    for stranger in strangers:
        if stranger in maybes:
            maybes.remove(stranger)
        else:
            found["unexpected"] += 1
    if rows:
        numbers = {row.seq for row in rows}
        found["gap"] = sum(number not in numbers for number in range(min(numbers), max(numbers)))
    return {word: count for word, count in found.items() if count}
