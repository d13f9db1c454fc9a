"""The command line; a command imports what it needs when it runs, so that help and version need nothing."""

from __future__ import annotations

import signal

from twinstream.exits import EX_INTERRUPTED


def main() -> int:
    """Run the command that this process was started for; answer its exit code.

    Ctrl-C ends it without a traceback from here on, also while it is still importing, and when it has ended.
    """
    try:
        from twinstream.cli import app

        return app.main()
    except KeyboardInterrupt:
        return EX_INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


__all__ = ["main"]
