"""Requests that their senders may repeat: done once, and answered again as they were the first time.

A producer that heard no answer (the server was killed, the connection broke) sends its request again with the same key.
Invariant: the receipt commits with the datapoints that it tells of, so a repetition finds both or neither; a request
of which nothing was done leaves none, and is decided anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.errors import RequestError
from twinstream.model.datapoint import Datapoint
from twinstream.model.receipt import Kept, Receipt, Refusal, Repeatable
from twinstream.ports.work import UnitOfWork

Outcome = Datapoint | RequestError
"""What became of a draft: its datapoint (or the present one, where only changes are tracked), or why not."""


class ReceiptBook:
    """The receipts of a group's requests: those stored, and those of the group itself, so far."""

    def __init__(self, work: UnitOfWork, requests: Sequence[Repeatable]) -> None:
        self._work = work
        self._receipts = work.receipts.find([request.id for request in requests]) if requests else {}

    def find(self, request: Repeatable) -> list[Outcome] | RequestError | None:
        """Answer what the request came to; ``conflict`` if that one asked for something else, None for a new one."""
        receipt = self._receipts.get(request.id)
        if receipt is None:
            return None
        if receipt.content_hash != request.content_hash:
            return RequestError("conflict", "The Idempotency-Key is that of a request with another body.")
        return [_recall(kept) for kept in receipt.kept]

    def keep(self, request: Repeatable, outcomes: Sequence[Outcome]) -> None:
        """Keep what a request came to, if it came to anything."""
        if any(isinstance(outcome, Datapoint) for outcome in outcomes):
            receipt = Receipt(request.content_hash, tuple(map(_note, outcomes)))
            self._receipts[request.id] = receipt
            self._work.receipts.put(request.id, receipt)


def _note(outcome: Outcome) -> Kept:
    if isinstance(outcome, Datapoint):
        return Kept(datapoint=outcome)
    return Kept(refusal=Refusal(outcome.code, outcome.message, outcome.field))


def _recall(kept: Kept) -> Outcome:
    if kept.datapoint is not None:
        return kept.datapoint
    refusal = kept.refusal or Refusal("internal", "", None)
    return RequestError(refusal.code, refusal.message, field=refusal.field)
