"""The mails that the server writes: to whom, about what, in which words.

Owns the texts; knows no transport. Invariant: neither recipient nor subject can hold a line end, so nobody's name or
address becomes a header of its own. What users have written themselves stands in the text alone.
"""

from __future__ import annotations

import msgspec

from twinstream.model.check import must


class Mail(msgspec.Struct, frozen=True):
    """A mail of plain text."""

    recipient: str
    subject: str
    text: str

    def __post_init__(self) -> None:
        """Raise RequestError ``invalid`` for a header that would be two."""
        for field, value in (("recipient", self.recipient), ("subject", self.subject)):
            if not value.isprintable():
                raise must(field, "be one line of text")


def write_confirmation(email: str, token: str) -> Mail:
    """Ask whoever signed up, or changed their email, to confirm that the address is theirs."""
    return Mail(
        email,
        "Confirm your email address",
        f"Somebody, probably you, gave this email address for an account.\n\nConfirmation token: {token}\n\n"
        "Enter it in your app within three days. If it was not you, do nothing.\n",
    )


def write_password_reset(email: str, token: str) -> Mail:
    """Send the token that sets a new password."""
    return Mail(
        email,
        "Set a new password",
        f"Somebody, probably you, asked for a new password.\n\nToken: {token}\n\n"
        "Enter it in your app within six hours; it works once. If it was not you, do nothing.\n",
    )


def write_email_change(email: str, new_email: str) -> Mail:
    """Tell the old address that another one takes its place."""
    return Mail(
        email,
        "Your email address is being changed",
        f"Your account's email address is being changed to {new_email}.\n\n"
        "If it was not you, set a new password at once.\n",
    )


def write_share(email: str, owner: str, dsn: str, operation: str) -> Mail:
    """Tell a user that somebody shares a device with them."""
    may = "see and set" if operation == "write" else "see"
    return Mail(
        email,
        "A device was shared with you",
        f"{owner} shares the device {dsn} with you.\n\nSign in with this address to {may} it.\n",
    )


def write_welcome(email: str, token: str | None) -> Mail:
    """Tell a user that an account was made for them; ``token`` confirms the address, None: it is believed."""
    confirm = (
        f"Confirmation token: {token}\n\nEnter it in your app within three days, or the account is gone. "
        if token
        else ""
    )
    return Mail(
        email,
        "Welcome",
        f"An account was made for you with this email address.\n\n{confirm}"
        "If nobody told you a password, ask your app for a new one with this address.\n",
    )
