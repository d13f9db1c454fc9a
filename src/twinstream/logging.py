"""Structured logs, without secrets: one set-up for our own lines (structlog) and those of libraries (logging).

Owns how a line looks and what never stands in one. Knows nothing of what is logged. Invariant: stream keys, tokens,
passwords and the query strings that carry them are replaced in every line, tracebacks included, and no value can end a
line or steer a terminal.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

LONGEST_VALUE = 800
"""Characters of one value; a line stays under 1 KiB unless it holds a trace (bad-inputs, rules for every line)."""

REDACTED = "[redacted]"


def configure_logging(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send all logs of this process to ``stream`` (standard error if None), replacing any set-up before.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        form: ``json``, ``text`` or ``auto``: text where the stream is a terminal.
        stream: where to.
    """
    stream = stream or sys.stderr
    as_text = form == "text" or (form == "auto" and stream.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                render_text if as_text else structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for talkative in ("uvicorn", "uvicorn.error", "httpx", "asyncio"):
        logger = logging.getLogger(talkative)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def redact(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets out of a line: values under telling names whole, what looks like a secret inside other values."""
    for name, value in line.items():
        if _SECRET_NAMES.search(name):
            line[name] = REDACTED
        elif not isinstance(value, (int, float, bool, type(None))):
            line[name] = _clean(value if isinstance(value, str) else repr(value), shorten=name != "exception")
    return line


def render_text(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> str:
    """Write a line for people: time, level, what happened, the rest as ``name=value``; a trace below it."""
    trace = line.pop("exception", None)
    head = f"{line.pop('timestamp', '')} {line.pop('level', ''):7} {line.pop('event', '')}"
    rest = "".join(f" {name}={_quote(value)}" for name, value in line.items())
    return head + rest + (f"\n{trace}" if trace else "")


def _clean(text: str, *, shorten: bool) -> str:
    text = _SECRETS.sub(lambda found: (found.group(1) or "") + REDACTED, text)
    if shorten:
        text = _CONTROL.sub(_escape, text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "...")
        return text.replace("\n", "\\n").replace("\t", "\\t")
    return _CONTROL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return f"\\x{ord(found.group()):02x}"


def _quote(value: Any) -> str:
    text = str(value)
    if text and not _TO_QUOTE.search(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_SECRET_NAMES = re.compile("key$|token|secret|password|authorization|cookie|query", re.IGNORECASE)
_SECRETS = re.compile(
    r"((?:stream_key|access_token|refresh_token|app_secret|password)\W{1,4}|(?:auth_token|Bearer|Ayla1\.0)\s+)[^\s&\"',}]+"
    r"|(?<![0-9a-fA-F-])[0-9a-fA-F]{32}(?![0-9a-fA-F-])",
    re.IGNORECASE,
)
"""By what stands before them, or by their form: 32 hex digits (keys and tokens; UUIDs have dashes)."""

_TO_QUOTE = re.compile('[ "]')
"""What would let a value end too early."""

_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f]")
