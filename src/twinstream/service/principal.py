"""Who calls, and what a role lets them do.

The principals themselves live in `model.principal`, since ports take them too; use cases import them from here.
"""

from __future__ import annotations

from twinstream.errors import RequestError
from twinstream.model.principal import Device, Operator, Principal, User

__all__ = ["Device", "Operator", "Principal", "User", "is_admin", "is_staff", "require_admin", "require_staff"]


def is_admin(user: User) -> bool:
    """Tell whether the user administrates the OEM (``OEM::Admin``)."""
    return user.role == "OEM::Admin"


def is_staff(user: User) -> bool:
    """Tell whether the user has a role of the OEM (``OEM::…``)."""
    return user.role.startswith("OEM::")


def require_staff(user: User) -> None:
    """Raise RequestError ``forbidden`` unless the user has a role of the OEM (``OEM::…``)."""
    if not is_staff(user):
        raise RequestError("forbidden", "This needs a role of the OEM.")


def require_admin(user: User) -> None:
    """Raise RequestError ``forbidden`` unless the user administrates the OEM (``OEM::Admin``)."""
    if not is_admin(user):
        raise RequestError("forbidden", "This needs the role OEM::Admin.")
