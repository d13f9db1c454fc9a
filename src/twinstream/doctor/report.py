"""Verdicts on paper: for a terminal, as JSON, and as JUnit XML for the machines that run tests.

Owns the forms alone. Invariant: what a client has printed cannot steer a terminal, nor make the XML unreadable.
"""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as Xml

import msgspec

from twinstream.doctor.verdict import Grade, Verdict
from twinstream.model.count import show_count

_COLOURS = {Grade.PASS: "32", Grade.NOT_SEEN: "36", Grade.WARN: "33", Grade.FAIL: "31;1"}
_WIDTH = 100
SHOWN_LINES = 8
SHOWN_CHARACTERS = 200
"""So many lines, and so much of each, are shown of the end of a client's error output; empty lines are left out."""


def describe(verdict: Verdict, *, colour: bool) -> str:
    """Write a verdict for people: a line, and under it the findings, each with its remedy."""
    grade = f"{verdict.grade.upper() if verdict.grade is Grade.FAIL else verdict.grade:<8}"
    if colour:
        grade = f"\x1b[{_COLOURS[verdict.grade]}m{grade}\x1b[0m"
    lines = [f"{grade}  {verdict.case:<20}  {verdict.title}  ({verdict.took_s:.1f} s)"]
    for at, finding in enumerate(verdict.findings):
        lines.append(_indent(finding.what))
        if finding.remedy not in [later.remedy for later in verdict.findings[at + 1 :]]:
            lines.append(_indent(f"Remedy: {finding.remedy}"))
    if verdict.complaint:
        lines.append(_indent("The client's error output ended with:"))
        lines.extend(f"            | {_printable(line)}" for line in _last_lines(verdict.complaint))
    return "\n".join(lines)


def summarise(verdicts: Sequence[Verdict]) -> str:
    """Write the last line: how many cases ended with which grade."""
    counts = Counter(verdict.grade for verdict in verdicts)
    told = ", ".join(f"{counts[grade]} {grade}" for grade in reversed(Grade) if counts[grade])
    return f"{show_count(len(verdicts), 'case')}: {told}"


def encode_json(verdicts: Sequence[Verdict], command: Sequence[str]) -> str:
    """Write all verdicts as one JSON object: ``command``, ``is_healthy``, ``grades`` (how many of each), ``cases``."""
    counts = Counter(str(verdict.grade) for verdict in verdicts)
    cases: list[dict[str, Any]] = [{"grade": v.grade, **msgspec.to_builtins(v)} for v in verdicts]
    report = {"command": command, "is_healthy": is_healthy(verdicts), "grades": counts, "cases": cases}
    return json.dumps(report, indent=2)  # Why not msgspec: an argument that is no UTF-8 must not spoil the report


def encode_junit(verdicts: Sequence[Verdict], command: Sequence[str]) -> bytes:
    """Write all verdicts as JUnit XML: a test case each; warnings are failures of the type ``warn``, what was not seen
    is skipped.
    """
    counts = Counter(verdict.grade for verdict in verdicts)
    suite = Xml.Element(
        "testsuite",
        {
            "name": "twinstream doctor",
            "tests": str(len(verdicts)),
            "failures": str(counts[Grade.FAIL] + counts[Grade.WARN]),
            "errors": "0",
            "skipped": str(counts[Grade.NOT_SEEN]),
            "time": f"{sum(verdict.took_s for verdict in verdicts):.3f}",
        },
    )
    properties = Xml.SubElement(suite, "properties")
    Xml.SubElement(properties, "property", {"name": "command", "value": _xml_text(" ".join(command))})
    for verdict in verdicts:
        case = Xml.SubElement(
            suite, "testcase", {"classname": "doctor", "name": verdict.case, "time": f"{verdict.took_s:.3f}"}
        )
        for finding in verdict.findings:
            attributes = {"message": _xml_text(finding.what)}
            if finding.grade is Grade.NOT_SEEN:
                if verdict.grade is Grade.NOT_SEEN:
                    Xml.SubElement(case, "skipped", attributes).text = _xml_text(finding.remedy)
                continue
            failure = Xml.SubElement(case, "failure", {**attributes, "type": finding.grade})
            failure.text = _xml_text(f"{finding.what}\nRemedy: {finding.remedy}")
        if verdict.complaint:
            Xml.SubElement(case, "system-err").text = _xml_text(verdict.complaint)
    suites = Xml.Element("testsuites")
    suites.append(suite)
    Xml.indent(suites)
    return bytes(Xml.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def is_healthy(verdicts: Sequence[Verdict]) -> bool:
    """Tell whether nothing speaks against the client."""
    return all(verdict.grade in (Grade.PASS, Grade.NOT_SEEN) for verdict in verdicts)


def _indent(text: str) -> str:
    return textwrap.fill(
        _printable(text), _WIDTH, initial_indent=" " * 10, subsequent_indent=" " * 12, break_on_hyphens=False
    )


def _last_lines(complaint: str) -> list[str]:
    lines = [line for line in complaint.splitlines() if line.strip()][-SHOWN_LINES:]
    return [line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}…" for line in lines]


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _xml_text(text: str) -> str:
    """Replace what XML cannot hold (control characters, lone surrogates) by its escape sequence."""
    return "\n".join(_printable(line) for line in text.splitlines())
