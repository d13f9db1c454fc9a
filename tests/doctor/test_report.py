"""Verdicts as text, JSON and JUnit XML."""

from __future__ import annotations

import json
from xml.etree import ElementTree as Xml

from twinstream.doctor.report import describe, encode_json, encode_junit, is_healthy, summarise
from twinstream.doctor.verdict import Finding, Grade, Verdict

FAILED = Verdict(
    "batch",
    "several records",
    (
        Finding(Grade.NOT_SEEN, "unseen", "Print."),
        Finding(Grade.FAIL, "event 7 & 8 <lost>\x1b[31m\x00", "Go by the length: `a < b`."),
        Finding(Grade.FAIL, "event 9 lost", "Go by the length: `a < b`."),
    ),
    0.25,
    "Traceback\n\x07\ud800 boom\n",
)
WARNED = Verdict("back-off", "refusals", (Finding(Grade.WARN, "quick", "Wait."),), 1.0)
UNSEEN = Verdict("gap", "a gap", (Finding(Grade.NOT_SEEN, "unseen", "Print."),), 1.0)
PASSED = Verdict("plain", "nothing", (), 0.1)
ALL = (PASSED, FAILED, WARNED, UNSEEN)


def test_the_worst_finding_is_the_grade() -> None:
    """And a case without findings is passed."""
    assert [verdict.grade for verdict in ALL] == [Grade.PASS, Grade.FAIL, Grade.WARN, Grade.NOT_SEEN]


def test_a_warning_is_a_finding_and_what_was_not_seen_is_none() -> None:
    """That decides the exit code."""
    assert is_healthy((PASSED, UNSEEN))
    assert not is_healthy((PASSED, WARNED))
    assert not is_healthy((PASSED, FAILED))


def test_text_steers_no_terminal() -> None:
    """Whatever a client prints; and a remedy that belongs to two findings stands there once."""
    text = describe(FAILED, colour=False)
    assert text.startswith("FAIL      batch")
    assert all(character.isprintable() or character == "\n" for character in text)
    assert text.count("Remedy: Go by the length") == 1
    assert "\\x1b[31m" in text
    assert "\x1b[31;1mFAIL" in describe(FAILED, colour=True)


def test_of_what_a_client_said_last_the_telling_lines_are_shown() -> None:
    """Eight, none of them empty or longer than a terminal can bear."""
    complaint = "\n\n".join(["x" * 5000, *(f"line {number}" for number in range(8))]) + "\n\n"
    shown = describe(Verdict("plain", "nothing", (), 0.1, complaint), colour=False).splitlines()[2:]
    assert shown == [f"            | line {number}" for number in range(8)]
    shown = describe(Verdict("plain", "nothing", (), 0.1, "x" * 5000), colour=False).splitlines()[2:]
    assert shown == [f"            | {'x' * 200}…"]


def test_the_summary_counts_grades() -> None:
    """The worst first."""
    assert summarise(ALL) == "4 cases: 1 fail, 1 warn, 1 not seen, 1 pass"


def test_json_has_it_all() -> None:
    """One object, each case with its grade, findings and remedies."""
    report = json.loads(encode_json(ALL, ["node", "client.js"]))
    assert report["command"] == ["node", "client.js"]
    assert report["is_healthy"] is False
    assert report["grades"] == {"pass": 1, "fail": 1, "warn": 1, "not seen": 1}
    assert report["cases"][1]["grade"] == "fail"
    assert report["cases"][1]["findings"][2] == {
        "grade": "fail",
        "what": "event 9 lost",
        "remedy": "Go by the length: `a < b`.",
    }


def test_junit_xml_is_read_by_others() -> None:
    """It parses, whatever a client prints; failures and warnings are failures, what was not seen is skipped."""
    suites = Xml.fromstring(encode_junit(ALL, ["node", "a\x00b"]))
    suite = suites.find("testsuite")
    assert suites.tag == "testsuites"
    assert suite is not None
    assert {key: suite.attrib[key] for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "2",
        "errors": "0",
        "skipped": "1",
    }
    cases = {case.attrib["name"]: case for case in suite.findall("testcase")}
    assert list(cases) == ["plain", "batch", "back-off", "gap"]
    failures = cases["batch"].findall("failure")
    assert [failure.attrib["type"] for failure in failures] == ["fail", "fail"]
    assert failures[0].attrib["message"] == "event 7 & 8 <lost>\\x1b[31m\\x00"
    assert "Remedy: Go by the length: `a < b`." in (failures[0].text or "")
    assert cases["batch"].findtext("system-err") == "Traceback\n\\x07\\ud800 boom"
    assert [found.attrib["type"] for found in cases["back-off"].findall("failure")] == ["warn"]
    assert cases["gap"].find("skipped") is not None
    assert not len(cases["plain"])
