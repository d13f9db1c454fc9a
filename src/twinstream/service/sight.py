"""What every use case about a device asks first: may this user see it, steer it, or is it theirs?

Invariant: a device that the user may not see does not exist for them (``not_found``); one that they see only by a share
refuses what the share does not allow (``forbidden``).
"""

from __future__ import annotations

from twinstream.errors import RequestError
from twinstream.model.device import Device, DeviceRef, Sight, check_grant
from twinstream.model.principal import User
from twinstream.ports.work import View


def require_sight(view: View, user: User, ref: DeviceRef) -> Sight:
    """Find a device that the user may see. Raises RequestError ``not_found``."""
    sight = view.devices.find_visible(user, ref)
    if sight is None:
        raise RequestError("not_found")
    return sight


def require_steering(view: View, user: User, ref: DeviceRef) -> Device:
    """Find a device that the user may change the twin of: as owner or by a share for writing.

    Raises:
        RequestError: ``not_found``; ``forbidden`` for the holder of a share for reading.
    """
    sight = require_sight(view, user, ref)
    check_grant(sight.grant)
    return sight.device


def require_ownership(view: View, user: User, ref: DeviceRef) -> Device:
    """Find a device of the user's own. Raises RequestError ``not_found``; ``forbidden`` for the holder of a share."""
    sight = require_sight(view, user, ref)
    if sight.grant is not None:
        raise RequestError("forbidden", "Only its owner can do this with a device.")
    return sight.device
