"""Why a stream could not be opened, or is over for good, for whoever typed the command that read it.

Owns the sentence and the exit code of each error of a stream, the same for all commands. Invariant: what the server
said is made printable before it is told.
"""

from __future__ import annotations

from twinstream.client.ending import PASSING_STATUSES
from twinstream.client.error import MessageError, RefusedError, RenumberedError, UnreachableError
from twinstream.client.line import printable
from twinstream.errors import CLOSE_CODES, Disconnect, TwinstreamError
from twinstream.exits import EX_NOPERM, EX_PROTOCOL, EX_TEMPFAIL, EX_UNAVAILABLE, CommandError


def explain_end(error: TwinstreamError) -> CommandError:
    """Return the error as one line with an exit code. An error that is none of a stream's is raised as it is."""
    told = printable(str(error))
    match error:
        case CommandError():
            return error
        case UnreachableError():
            return CommandError(EX_UNAVAILABLE, f"no stream there: {told}")
        case RefusedError(status=401 | 403):
            return CommandError(EX_NOPERM, f"the server refused the stream key ({error.status}): {told}")
        case RefusedError() if error.status in PASSING_STATUSES:
            again = f"; try again in {error.retry_after_s:g} s" if error.retry_after_s else ""
            return CommandError(EX_TEMPFAIL, f"not now ({error.status}): {told}{again}")
        case RefusedError():
            return CommandError(EX_PROTOCOL, f"the server refused the stream ({error.status}): {told}")
        case Disconnect():
            remedy = CLOSE_CODES[error.close_code].remedy
            return CommandError(EX_PROTOCOL, f"the server closed the stream: {told}. {remedy}")
        case MessageError():
            return CommandError(EX_PROTOCOL, f"that does not speak our protocol: {told}")
        case RenumberedError():
            return CommandError(EX_PROTOCOL, told)
    raise error
