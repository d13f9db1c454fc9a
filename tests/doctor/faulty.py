"""A client that does everything right but what its second argument says; doctor has to find just that.

Started with the stream's address and the fault.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from itertools import cycle
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from twinstream.client.frame import split_message

URL, FAULT = sys.argv[1:3]
last = 0


async def main() -> None:
    """Keep the stream up."""
    wait_s = 0.3
    chances = cycle((0.05, 0.0, 1.0))  # of full jitter, one that is out of luck more often than not
    while True:
        asked_s = 0.0
        resume = f"&seq_start={last + 1 + (FAULT == 'skips-one')}" if last and FAULT != "no-resume" else ""
        try:
            async with connect(URL + resume, max_size=None, proxy=None) as socket:
                wait_s = 0.3
                await read(socket)
        except InvalidStatus as refusal:
            if FAULT == "gives-up" or (refusal.response.status_code in (401, 403) and FAULT != "storm"):
                return
            wait_s *= 2
            if FAULT != "impolite":
                asked_s = float(refusal.response.headers.get("Retry-After", 0))
        except ConnectionClosed as end:
            if end.rcvd and end.rcvd.code >= 4400:
                return
        own_s = {"no-wait": 0, "storm": 0, "hasty": 0.01, "steady": 0.8, "jitters": next(chances) * wait_s}
        await asyncio.sleep(0 if FAULT == "storm" else max(asked_s, own_s.get(FAULT, wait_s)))


async def read(socket: ClientConnection) -> None:
    """Answer heartbeats, process events."""
    while True:
        message = await asyncio.wait_for(socket.recv(decode=True), 0.9 if FAULT == "impatient" else 60)
        if message == "1|Z":
            for answer in {"answers-ok": ["ok"], "mute": [], "answers-twice": ["Z", "Z"]}.get(FAULT, ["1|Z"]):
                await socket.send(answer)
        elif not message.endswith("|X"):
            for text in [message.partition("|")[2]] if message.count("}}") == 1 else split_message(message):
                is_new = process(json.loads(text))
                if FAULT == "skips-rest" and not is_new:
                    break


def process(event: dict[str, Any]) -> bool:
    """Print what is new; tell whether it is."""
    global last
    seq = int(event["seq"])
    if FAULT != "no-memory" and (str(seq) <= str(last) if FAULT == "text-order" else seq <= last):
        return False
    last = seq
    value = event.get("datapoint", {}).get("value")
    if FAULT == "mangles":
        value = str(value).encode("ascii", "replace").decode()
    line = json.dumps({"seq": seq, "value": value})
    if "DONE" in os.environ:
        with open(os.environ["DONE"], "a", encoding="utf-8") as file:
            file.write(line + "\n")
    elif FAULT != "silent":
        print(line)  # noqa: T201
    return True


asyncio.run(main())
