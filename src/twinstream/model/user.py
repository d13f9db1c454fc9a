"""Users' accounts: what an email, a profile and a role may be.

Owns these checks and the one normal form of an email; knows neither passwords nor tokens.
Invariant: two spellings of one address (case, blanks around it, full-width letters) have one normal form.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec

from twinstream.model.check import check_text, must
from twinstream.model.principal import User

END_USER = "EndUser"
OEM_ADMIN = "OEM::Admin"


class Profile(msgspec.Struct, frozen=True):
    """What users tell about themselves beside their names; None: not told."""

    nickname: str | None = None
    company: str | None = None
    street: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    phone_country_code: str | None = None
    phone: str | None = None
    ayla_dev_kit_num: str | None = None


class Account(msgspec.Struct, frozen=True):
    """A user with the fields of their profile; times are seconds since 1970."""

    user: User
    firstname: str
    lastname: str
    created_at: float
    updated_at: float
    oem_name: str = ""
    confirmed: bool = True
    profile: Profile = Profile()


def check_profile(profile: Profile) -> Profile:
    """Answer the profile. Raises RequestError ``invalid`` for a text that is too long."""
    for field in Profile.__struct_fields__:
        check_text(getattr(profile, field) or "", field=field)
    return profile


def normalise_email(text: str) -> str:
    """Bring an email into its one normal form, well formed or not; for look-ups."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def check_email(text: str) -> str:
    """Answer the normal form. Raises RequestError ``invalid`` unless it looks like an address.

    At most 254 characters: RFC 5321, section 4.5.3.1.3 (a path of 256 with its angle brackets).
    """
    email = normalise_email(text)
    if len(email) > 254 or _EMAIL.fullmatch(email) is None or not email.isprintable():
        raise must("email", "be an address like name@example.com")
    return email


def check_role(text: str) -> str:
    """Answer the role: ``EndUser``, ``OEM::Name`` or ``OEM::Company::Name``.

    Raises RequestError ``invalid`` otherwise.
    """
    if _ROLE.fullmatch(text) is None:
        raise must("role", "be EndUser, or a role like OEM::Staff or OEM::Company::Dealer")
    return text


_EMAIL = re.compile(r"[^\s@<>\"',;]+@[^\s@<>\"',;]+")
_ROLE = re.compile(r"EndUser|OEM(::[A-Za-z][A-Za-z0-9_]{0,63}){1,2}", re.ASCII)
