"""Passwords: what one may be.

Owns the bounds and the judgement of what is easily guessed: not a list of leaked passwords but the patterns that such
lists consist of: a common word with digits and signs around it, also spelled with look-alikes, a walk over the
keyboard, a repetition, one's own email. Invariant: what is accepted is accepted exactly as typed.
"""

from __future__ import annotations

import re

from twinstream.model.check import invalid, must

PASSWORD_LIMIT_BYTES = 1024
"""Longest password in UTF-8: hashing must not become a lever for floods."""


def check_password(text: str, email: str = "") -> str:
    """Answer the password as typed.

    Raises RequestError ``invalid`` below 8 characters, above 1,024 bytes, or for one that is easily guessed.
    """
    if len(text) < 8 or len(text.encode("utf-8", "surrogatepass")) > PASSWORD_LIMIT_BYTES:
        raise must("password", f"have 8 characters or more, at most {PASSWORD_LIMIT_BYTES} bytes")
    if is_guessable(text, email):
        raise invalid("password", "is one of those that are tried first")
    return text


def is_guessable(text: str, email: str = "") -> bool:
    """Tell whether a password is among those that guessers try first."""
    plain = text.lower()
    if plain == email.lower() or (email and plain == email.partition("@")[0].lower()):
        return True
    if len(set(plain)) <= 2 or any(plain in walk * 2 or plain in walk[::-1] * 2 for walk in _WALKS):
        return True
    if any(len(plain) % size == 0 and plain == plain[:size] * (len(plain) // size) for size in (1, 2, 3, 4)):
        return True
    return any(_core(spelled) in _WORDS for spelled in (plain, plain.translate(_LOOK_ALIKES)))


def _core(text: str) -> str:
    """Take digits and signs from both ends; a word written twice counts once."""
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
    half = len(core) // 2
    return core[:half] if half and core == core[:half] * 2 else core


_LOOK_ALIKES = str.maketrans("013457@$!", "oieastasi")
_WALKS = (
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "abcdefghijklmnopqrstuvwxyz",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "qazwsxedcrfvtgbyhnujm",
    "147258369",
)
_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    abc abcd access account admin administrator angel apple asdf ayla azerty baby bailey banana baseball
    basketball batman bonjour buster butterfly changeme charlie cheese chelsea chocolate computer cookie
    corvette dallas daniel default demo device diamond dolphin donald dragon eminem family ferrari flower
    football freedom ginger guest hallo harley hannah hello hockey hunter iloveyou internet jaguar jessica
    jennifer jordan killer letmein liverpool login london lovely loveme lover lucky maggie manager marina master
    matrix maverick mercedes merlin michael michelle midnight monkey monster mustang naruto nicole nothing
    orange pass passphrase passwd password passwort pepper phoenix pokemon princess private purple q qwer qwert
    qwerty qwertz qwertyuiop ranger robert root samsung secret service shadow silver slipknot smarthome snoopy
    soccer spiderman spring starwars success summer sunshine superman support sweet system taylor teddy temp
    test tester testing thomas thunder tigger tinkerbell trustno twinstream user victoria welcome whatever
    william winter autumn yankees yellow zaq zxcvbn zxcvbnm
    """,
    )
)
