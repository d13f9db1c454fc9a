"""The states of a session and the moves between them; what they mean is in `stream.session`."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a session's next event comes from."""

    READING = "reading"
    LIVE = "live"
    CLOSED = "closed"


MOVES = {
    State.READING: (State.LIVE, State.CLOSED),  # level with the tail | ended
    State.LIVE: (State.READING, State.CLOSED),  # outlet full, subscription changed | ended
    State.CLOSED: (),
}


class IllegalMoveError(RuntimeError):
    """The socket shell or the hub called a session in a way that its state excludes: a bug of the caller."""

    def __init__(self, call: str, expected: str, got: str) -> None:
        super().__init__(f"{call}: expected {expected}, got {got}")


def move(present: State, to: State) -> State:
    """Answer the new state. Raises IllegalMoveError if the table has no such move."""
    if to not in MOVES[present]:
        expected = " or ".join(state for state, moves in MOVES.items() if to in moves)
        raise IllegalMoveError(f"move to {to}", expected, present)
    return to
