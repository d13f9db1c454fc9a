"""Role labels of devices: which roles have to do with a device, and the labels that say which users of these.

Invariant: they say something about a device, and let nobody see it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import check_text, invalid, must
from twinstream.model.user import END_USER, check_role

MOST_DEVICE_ROLES = 32
"""Of one device."""

MOST_DEVICE_LABELS = 32
"""Of one role of a device."""


class DeviceRole(msgspec.Struct, frozen=True):
    """A role that has to do with a device; labels by key; times are seconds since 1970."""

    id: int
    device_key: int
    role_name: str
    description: str
    labels: Mapping[str, str]
    created_at: float
    updated_at: float


def check_device_role(role_name: str, description: str) -> None:
    """Raise RequestError ``invalid`` unless the name is a role of an OEM, and the description not too long."""
    try:
        check_role(role_name)
    except RequestError:
        role_name = END_USER
    if role_name == END_USER:
        raise must("role_name", "be a role like OEM::Staff or OEM::Company::Dealer")
    check_text(description, field="description")


def add_label(labels: Mapping[str, str], key: str, value: str) -> Mapping[str, str]:
    """Answer the labels with this one, in place of one with the same key. Raises RequestError ``invalid``."""
    check_text(key, field="label", shortest=1)
    check_text(value, field="label")
    if key not in labels and len(labels) >= MOST_DEVICE_LABELS:
        raise invalid("label", f"is one too many: there are at most {MOST_DEVICE_LABELS}")
    return {**labels, key: value}


def remove_label(labels: Mapping[str, str], key: str, value: str) -> Mapping[str, str]:
    """Answer the labels without this one. Raises RequestError ``not_found`` if it is not there."""
    if labels.get(key) != value:
        raise RequestError("not_found", "There is no such label.")
    return {other: labels[other] for other in labels if other != key}
