"""The ways in which a stream or a call ends that cannot be mended by trying again.

Invariant: no text here holds a stream key, a token or a password.
"""

from __future__ import annotations

from twinstream.errors import TwinstreamError


class UnreachableError(TwinstreamError):
    """No server answered at the address, or what answered was no WebSocket server."""


class RefusedError(TwinstreamError):
    """The server answered the handshake with an HTTP status instead of a socket; its text is the server's reason.

    ``retry_after_s`` is how long it asked to wait, if it did.
    """

    def __init__(self, status: int, message: str, retry_after_s: float | None = None) -> None:
        self.status = status
        self.retry_after_s = retry_after_s
        super().__init__(message)


class MessageError(TwinstreamError):
    """The server sent what is neither a heartbeat nor records ``LEN|JSON``; it would only send it again."""


class RenumberedError(TwinstreamError):
    """The numbers of the stream began anew: ``seq`` came where ``last_seq`` had been reached, as another event.

    A place kept from before means nothing any more. Begin again with ``seq_start=0``, as a stream of its own.
    """

    def __init__(self, seq: int, last_seq: int) -> None:
        self.seq = seq
        self.last_seq = last_seq
        super().__init__(
            f"the stream counts anew: another event came as number {seq} after {last_seq} had been reached; "
            "begin again with seq_start=0"
        )
