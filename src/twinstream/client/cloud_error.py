"""A REST call that failed, whatever service it was and in whatever envelope it told so.

Invariant: the text holds nothing that was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from twinstream.errors import TwinstreamError


class CloudError(TwinstreamError):
    """A call that failed. ``status``: of HTTP, None if no answer came; ``code``: the server's word for it, or
    ``http_<status>``; ``remedy``: what may help; ``retry_after_s``: when the server said to come again.
    """

    def __init__(
        self, status: int | None, code: str, message: str, remedy: str, *, retry_after_s: float | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.remedy = remedy
        self.retry_after_s = retry_after_s
        super().__init__(f"{message} ({status or 'no answer'}, {code}). {remedy}")


def read_cloud_error(
    status: int, reason: str, body: bytes, retry_after_s: float | None, *, is_sign_in: bool
) -> CloudError:
    """Read an answer that is no success."""
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        told = {}
    table = _SIGN_IN_REMEDIES if is_sign_in else {}
    remedy = table.get(status) or REMEDIES.get(status) or REMEDIES[5 if status >= 500 else 4]
    code = _find_code(told) or f"http_{status}"
    return CloudError(status, code, _find_message(told) or reason, remedy, retry_after_s=retry_after_s)


def unreadable(status: int) -> CloudError:
    """What to raise for a success whose body has another shape than the API's."""
    return CloudError(status, "unreadable", "The answer has another shape than the API's.", "Check the address.")


def unreachable(reason: str) -> CloudError:
    """What to raise when no answer came."""
    return CloudError(None, "unreachable", reason, REMEDIES[0])


def signed_out() -> CloudError:
    """What to raise for a call that needs a token while there is none."""
    return CloudError(401, "signed_out", "Nobody is signed in.", REMEDIES[401])


REMEDIES: Mapping[int, str] = {
    0: "Check the address and the network; try again later.",
    4: "Mend the request.",
    5: "Try again later.",
    401: "Sign in (again).",
    403: "Ask the owner of the device, or an administrator for an access rule.",
    404: "Check the name or id: there is no such thing, or it is not yours.",
    409: "Look at the present state first.",
    422: "Mend the field that the message names.",
    429: "Wait, and call less often.",
}
"""What may help, by status; 0: no answer; 4 and 5: all others that begin so."""

_SIGN_IN_REMEDIES = {401: "Check email and password.", 404: "Check app_id and app_secret."}


def _find_code(told: Mapping[str, Any]) -> str:
    for place in (told, told.get("error"), _first(told.get("errors"))):
        if isinstance(place, dict) and isinstance(place.get("code"), str):
            return str(place["code"])
    return ""


def _find_message(told: Mapping[str, Any]) -> str:
    """Look where the services put it: ``error``, ``errors`` or ``detail``; text, object, list or one list per field."""
    for place in (told.get("error"), told.get("errors"), told.get("detail")):
        found = _first(place)
        if isinstance(found, str):
            return found
        if isinstance(found, dict):
            if isinstance(found.get("message"), str):
                return str(found["message"])
            return "; ".join(f"{field} {_first(texts)}" for field, texts in found.items())
    return ""


def _first(place: Any) -> Any:
    return place[0] if isinstance(place, list) and place else place
