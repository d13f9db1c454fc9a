"""Pseudonyms for what tells whose a stream is: serial numbers, users, addresses, places.

Owns what is replaced and by what. A pseudonym is made from the original and the seed (HMAC-SHA-256), so the same
original always gets the same one, in every recording of one seed, and nothing needs to be remembered. The seed is a
secret: serial numbers are few enough to try them all.

Invariants: a pseudonym has the shape of what it replaces; addresses are private ones and e-mail addresses those of
example.com, so none leads to anybody. What is looked for is said at `Pseudonyms.scrub`, and nothing else is.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable

import msgspec

from twinstream.recording.rewrite import rewrite
from twinstream.wire import event as wire

KINDS = ("dsn", "user", "ip", "location")
"""What can be replaced."""
LONGEST_SPAN = 15
"""Serial numbers of up to eight parts with hyphens or underscores between them are found within longer words."""
SHORT = 100
"""Texts of so many characters are remembered, `MOST_TEXTS` of them."""
MOST_TEXTS = 100_000
NOBODY = "00000000-0000-0000-0000-000000000000"
"""The documents' redacted user."""

_DSN_KEYS = frozenset({"dsn", "gateway_dsn", "dsns"})
_USER_KEYS = frozenset({"user_uuid", "owner_uuid", "uuid"})
_TIME_KEYS = ("at", "event_time", "created_at", "updated_at", "acked_at", "registered_at", "unregistered_at")
_FIXED_KEYS = frozenset(
    {"seq", "event_type", "base_type", "status", "registration_type", "provider", "state", *_TIME_KEYS}
)
"""What stands under them is of the protocol, and of nobody, if it looks like it (`_PLAIN`): a datapoint's own metadata
may have such keys too."""
_PROTOCOL_KEYS = frozenset(
    field.name
    for kind in vars(wire).values()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    for field in msgspec.structs.fields(kind)
)
"""The names of members in the documents' events."""
_PLACE_KEYS = {"lat": 90.0, "latitude": 90.0, "long": 180.0, "lng": 180.0, "longitude": 180.0}


class Pseudonyms:
    """Replaces some kinds under one seed. What it has `learn`\\ ed it knows again inside of texts."""

    def __init__(self, kinds: Iterable[str], seed: str) -> None:
        self.kinds = frozenset(kinds)
        self._seed = seed.encode()
        self._words: dict[str, str] = {}  # learned serial numbers of odd shapes, users without hyphens
        self._users: dict[str, str] = {}
        self._learned: dict[tuple[str, str], str] = {}
        self._inside_of: dict[str, str] = {}
        self._dsn = ""  # of the event under way

    @property
    def check(self) -> str:
        """What tells two seeds apart."""
        return f"{self._number('check', '') >> 224:08x}"

    def learn(self, text: str) -> None:
        """Take note of the serial numbers and users that an event (a JSON object) names."""
        self._walk(text)

    def scrub(self, text: str) -> str:
        """Return an event, or another JSON text, with pseudonyms.

        Replaced are, by kind: ``dsn``: what stands under dsn; what looks like a serial number, anywhere; learned
        serial numbers of other shapes where they are words, or parts of one between hyphens and underscores.
        ``user``: what stands under user_uuid; learned users and e-mail addresses anywhere. ``ip``: what is an IPv4 or
        IPv6 address, anywhere. ``location``: what stands under lat and long, moved by a distance of the device's own.
        Keys of objects are looked into as well.
        """
        return self._walk(text)

    def _walk(self, text: str) -> str:
        found = _WHOSE.search(text)
        self._dsn = found[1] if found else ""
        return rewrite(text, self._change, change_key=self._change_key, change_number=self._change_number)

    def _change(self, key: str, value: str) -> str:
        if key in _FIXED_KEYS and _PLAIN.fullmatch(value):
            return value
        if key in _DSN_KEYS and "dsn" in self.kinds:
            return ",".join(self._learn("dsn", dsn.strip()) if dsn.strip() else dsn for dsn in value.split(","))
        if key in _USER_KEYS and "user" in self.kinds and _UUID.fullmatch(value):
            return self._learn("user", value)
        if key in _PLACE_KEYS and "location" in self.kinds:
            return self._move(key, value)
        return self._inside(value)

    def _change_key(self, key: str) -> str:
        return key if key in _PROTOCOL_KEYS else self._inside(key)

    def _change_number(self, key: str, literal: str) -> str:
        return self._move(key, literal) if key in _PLACE_KEYS and "location" in self.kinds else literal

    def _inside(self, value: str) -> str:
        """Replace within a text of any meaning. Most texts are seen again and again: names, models, types."""
        if (known := self._inside_of.get(value)) is not None:
            return known
        new = self._search(value)
        if len(value) <= SHORT and len(self._inside_of) < MOST_TEXTS:
            self._inside_of[value] = new
        return new

    def _search(self, value: str) -> str:
        if "user" in self.kinds and ("@" in value or "%40" in value):
            value = _EMAIL.sub(self._email, value)
        if "ip" in self.kinds:
            value = _IPV4.sub(self._address, value)
            if value.count(":") >= 2:
                value = _IPV6.sub(self._address, value)
        if "dsn" in self.kinds:
            value = _DSN.sub(lambda match: self._make_dsn(match[0]), value)
        if self._users:
            value = _UUID.sub(lambda match: self._users.get(match[0].lower(), match[0]), value)
        return _WORD.sub(self._replace_in_word, value) if self._words else value

    def _replace_in_word(self, match: re.Match[str]) -> str:
        """Replace a learned word, or the longest that stands between hyphens and underscores in this one."""
        word = match[0]
        if new := self._words.get(word.lower()):
            return new
        parts = _GLUE.split(word)  # parts and, at odd places, what stands between them
        for size in range(min(len(parts) - 2, LONGEST_SPAN), 0, -2):
            for at in range(0, len(parts) - size + 1, 2):
                if new := self._words.get("".join(parts[at : at + size]).lower()):
                    before, after = "".join(parts[:at]), "".join(parts[at + size :])
                    return before + new + _WORD.sub(self._replace_in_word, after)
        return word

    def _learn(self, kind: str, original: str) -> str:
        if (known := self._learned.get((kind, original))) is not None:
            return known
        new = self._make_dsn(original) if kind == "dsn" else self._make_uuid(original)
        if kind == "user":
            self._users[original.lower()] = new
            self._words[original.lower().replace("-", "")] = new.replace("-", "")
        elif not _DSN.fullmatch(original):
            self._words[original.lower()] = new
        self._learned[kind, original] = new
        self._inside_of.clear()
        return new

    def _make_dsn(self, original: str) -> str:
        digits = f"{self._number('dsn', original.upper()) % 10**12:012d}"
        made = f"AC{digits[:3]}W{digits[3:]}"
        return made.lower() if original.islower() else made

    def _make_uuid(self, original: str) -> str:
        if original == NOBODY:
            return original
        digits = f"{self._number('user', original.lower()) >> 128:032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def _email(self, match: re.Match[str]) -> str:
        original = match[0].replace("%40", "@").lower()
        return f"user-{self._number('email', original) >> 208:012x}{match[1]}example.com"

    def _address(self, match: re.Match[str]) -> str:
        try:
            address = ipaddress.ip_address(match[0])
        except ValueError:
            return match[0]
        if address.is_unspecified or address.is_loopback:
            return match[0]
        number = self._number("ip", str(address))
        if address.version == 4:
            return str(ipaddress.IPv4Address((10 << 24) + number % 2**24))
        return str(ipaddress.IPv6Address((0xFD << 120) + number % 2**120))

    def _move(self, key: str, literal: str) -> str:
        """Move a latitude by up to 30 degrees and a longitude to anywhere, the same for all places of a device."""
        limit = _PLACE_KEYS[key]
        try:
            degrees = float(literal)
        except ValueError:
            return literal
        share = (self._number(f"place {limit:g}", self._dsn) >> 192) / 2**64
        if limit == 90:
            degrees += 60 * share - 30
            degrees = 180 - degrees if degrees > 90 else -180 - degrees if degrees < -90 else degrees
        else:
            degrees = (degrees + 360 * share + 180) % 360 - 180
        decimals = len(literal.strip().partition(".")[2])
        blank = " " if literal.startswith(" ") else ""
        moved = f"{degrees:.{decimals}f}"
        return moved if moved.startswith("-") else blank + moved

    def _number(self, kind: str, original: str) -> int:
        """Return 256 bits that are the original's alone."""
        return int.from_bytes(hmac.digest(self._seed, f"{kind}\0{original}".encode(), "sha256"))


def read_kinds(text: str) -> tuple[str, ...]:
    """Read a list like ``dsn,user``; ``all`` is all kinds. Raises ValueError with the names that there are."""
    kinds = KINDS if text == "all" else tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise ValueError(f"{unknown[0]!r} cannot be replaced; what can: {', '.join(KINDS)}, or all")
    return tuple(sorted(kinds, key=KINDS.index))


_PLAIN = re.compile(r"[A-Za-z-]*|[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+)")
"""A name of the protocol, a number, or a time."""
_DSN = re.compile(r"[A-Z]{2}[0-9]{3}[A-Z][0-9]{9}", re.IGNORECASE | re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_EMAIL = re.compile(
    r"""[^\s@"'<>()\[\]{},;:/?&=|%]+(@|%40)[^\s@"'<>()\[\]{},;:/?&=|%]+\.[^\s@"'<>()\[\]{},;:/?&=|%.]+"""
)
_IPV4 = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9]|\.[0-9])")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?![0-9A-Za-z])")
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_GLUE = re.compile("([_-])")
_WHOSE = re.compile(r'"dsn"\s*:\s*"([^"\\]*)"')
