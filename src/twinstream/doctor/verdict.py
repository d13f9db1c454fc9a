"""What an examination comes to: grades, findings with their remedies, and the verdict on one case.

Owns the words of the outcome; knows neither how they are found nor how they are printed.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Grade(StrEnum):
    """How a case ended, from best to worst.

    ``not seen``: nothing speaks against the client, but what would speak for it could not be seen. ``warn``: it works
    here, and will lose or load something elsewhere.
    """

    PASS = "pass"  # noqa: S105 - no password
    NOT_SEEN = "not seen"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    """One thing that the client did or left: a sentence for people, and what to change in the client."""

    grade: Grade
    what: str
    remedy: str


class Verdict(msgspec.Struct, frozen=True):
    """What one case showed. ``complaint`` is the end of the client's error output if the client ended by itself."""

    case: str
    title: str
    findings: tuple[Finding, ...]
    took_s: float
    complaint: str = ""

    @property
    def grade(self) -> Grade:
        """The worst of the findings; a case without findings is passed."""
        return max((finding.grade for finding in self.findings), key=_ORDER.index, default=Grade.PASS)


_ORDER = list(Grade)
