"""The exit codes of the `twinstream` command, and the error that ends it with one line.

Invariant: codes are API: listed here once, documented from here. Source of the numbers: sysexits.h.
"""

from __future__ import annotations

from twinstream.errors import TwinstreamError

EX_FINDINGS = 1
EX_USAGE = 64
EX_DATAERR = 65
EX_UNAVAILABLE = 69
EX_IOERR = 74
EX_TEMPFAIL = 75
EX_PROTOCOL = 76
EX_NOPERM = 77
EX_CONFIG = 78
EX_INTERRUPTED = 130
EX_TERMINATED = 143

EXIT_CODES: dict[int, str] = {
    0: "It did what was asked; a server was stopped.",
    EX_FINDINGS: "It looked at something for you, and found fault with it.",
    EX_USAGE: "The command line is wrong.",
    EX_DATAERR: (
        "What was asked is refused; a file to be read is missing, damaged or something else; or the data folder holds "
        "something that is not ours or damaged."
    ),
    EX_UNAVAILABLE: "A server that cannot be reached, a library that is not installed, an address that is taken.",
    EX_IOERR: "The disk failed; nothing was confirmed that is not stored.",
    EX_TEMPFAIL: "Another process uses the data folder, or a server has no room at present; try again.",
    EX_PROTOCOL: "The server closed the stream for good, refused its terms, or does not speak our protocol.",
    EX_NOPERM: "The server refused the key or token, or a file belongs to somebody else.",
    EX_CONFIG: "The environment, the settings file or their combination is wrong.",
    EX_INTERRUPTED: "Ended by Ctrl-C.",
    EX_TERMINATED: "Ended by SIGTERM before it could finish.",
}
"""What each exit code means."""


class CommandError(TwinstreamError):
    """Ends the command with ``exit_code``, a key of `EXIT_CODES`; its text is one line for people, without a secret."""

    def __init__(self, exit_code: int, message: str) -> None:
        self.exit_code = exit_code
        super().__init__(message)
