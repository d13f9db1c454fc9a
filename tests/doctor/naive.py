"""A client as the documents sketch it, with all that is wrong with it; doctor has to find just that.

It splits a message at every bar, takes `|Z` anywhere for a heartbeat, reads the body of a datapointack where there is
none, and knows neither numbers nor reconnection. Started with the stream's address.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from websockets.asyncio.client import connect


def process(event: dict[str, Any]) -> None:
    """Print what happened."""
    kind = event["metadata"]["event_type"]
    value = event["datapointack"]["value"] if kind == "datapointack" else None
    print(event["seq"], kind, event["metadata"]["dsn"], value)  # noqa: T201


async def main(url: str) -> None:
    """Read until the connection ends."""
    async with connect(url) as socket:
        async for message in socket:
            assert isinstance(message, str)
            if "|Z" in message:
                await socket.send("Z")
            else:
                process(json.loads(message.split("|")[1]))


asyncio.run(main(sys.argv[1]))
