"""The state table says what may follow what."""

from __future__ import annotations

import re

import pytest

from twinstream.stream.state import IllegalMoveError, State, move

LEGAL = {
    (State.READING, State.LIVE),
    (State.READING, State.CLOSED),
    (State.LIVE, State.READING),
    (State.LIVE, State.CLOSED),
}


@pytest.mark.parametrize("to", State)
@pytest.mark.parametrize("present", State)
def test_moves(present: State, to: State) -> None:
    """Legal moves are made, others say what was expected."""
    if (present, to) in LEGAL:
        assert move(present, to) is to
        return
    expected = " or ".join(state for state in State if (state, to) in LEGAL)
    with pytest.raises(IllegalMoveError, match=re.escape(f"move to {to}: expected {expected}, got {present}")):
        move(present, to)
