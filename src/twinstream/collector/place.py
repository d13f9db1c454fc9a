"""Where a stream is, and at which number it is at present.

Owns the one question of the collector that only servers like ours answer: what cannot be answered is left alone, but
where the user asks for it.
"""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import httpx
import msgspec

from twinstream.client.address import is_local
from twinstream.client.regions import find_hosts
from twinstream.collector.plan import Plan, Stream
from twinstream.exits import EX_CONFIG, EX_NOPERM, EX_PROTOCOL, EX_UNAVAILABLE, CommandError

ANSWER_TIMEOUT_S = 10.0


def find_url(stream: Stream) -> str:
    """Return the address of a stream, without its key.

    Raises:
        CommandError: 78: the region is none.
    """
    if stream.url is not None:
        return stream.url
    try:
        return find_hosts(stream.region, stream.deployment or "field", stream.client_type or "cloud").stream
    except ValueError as error:
        raise CommandError(EX_CONFIG, f"stream {stream.name}: {error}") from None


async def find_heads(plan: Plan) -> dict[str, int | None]:
    """Return the number of the newest event of each stream, 0 where there is none yet.

    Raises:
        CommandError: 69: nobody answers; 76: the server cannot tell; 77: it refused the key.
    """
    return {stream.name: await find_head(stream) for stream in plan.streams}


async def find_head(stream: Stream) -> int:
    """Return the number of the newest event of a stream. Raises what `find_heads` raises."""
    url = find_url(stream)
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    question = f"{scheme}://{parts.netloc}/api/v1/subscriptions/getCurrentSeq"
    key = stream.key.reveal() if stream.key else ""
    try:
        trust = ssl.create_default_context()  # Why: what the socket trusts; httpx alone knows other authorities
        async with httpx.AsyncClient(verify=trust, trust_env=not is_local(url), timeout=ANSWER_TIMEOUT_S) as client:
            answer = await client.get(question, params={"stream_key": key})
    except httpx.HTTPError as error:
        told = str(error) or type(error).__name__
        raise CommandError(EX_UNAVAILABLE, f"{stream.name}: no server answers: {told}") from None
    if answer.status_code in (401, 403):
        raise CommandError(EX_NOPERM, f"{stream.name}: the server refused the stream key ({answer.status_code})")
    try:
        return int(msgspec.json.decode(answer.raise_for_status().content, type=dict[str, str])["seq"])
    except (httpx.HTTPError, msgspec.DecodeError, KeyError, ValueError):
        raise CommandError(
            EX_PROTOCOL, f"{stream.name}: this server does not tell its newest number; use --until-seq or --for"
        ) from None
