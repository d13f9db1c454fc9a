"""Changes single strings and numbers within a JSON text, and leaves everything else as it is, to the last character.

Owns the finding of tokens; what becomes of them is the caller's business. The text must be JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

Change = Callable[[str, str], str]
"""Gets the key that a value stands under (in an array: the array's; "" at the top) and the value; answers a new one."""


def rewrite(text: str, change: Change, *, change_key: Callable[[str], str], change_number: Change) -> str:
    """Return the text with the strings and numbers that the callers answer in place of those that are there.

    A string is given decoded, and what changes is written anew in ASCII without ``|``, so that a record's length counts
    bytes and characters alike; a number is given and taken as it is written.
    """
    pieces: list[str] = []
    at, key = 0, ""
    for found in _TOKEN.finditer(text):
        token = found["string"]
        if token is None:
            new = change_number(key, found["number"])
            token = found["number"]
        else:
            value = json.loads(token) if "\\" in token else token[1:-1]
            is_key = found["colon"] is not None
            if is_key:
                key = value
            changed = change_key(value) if is_key else change(key, value)
            new = token if changed == value else json.dumps(changed).replace("|", "\\u007c")
        if new != token:
            pieces += (text[at : found.start()], new)
            at = found.start() + len(token)
    pieces.append(text[at:])
    return "".join(pieces)


_TOKEN = re.compile(
    r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")(?P<colon>\s*:)?|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)'
)
