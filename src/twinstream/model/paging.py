"""One page of a list of devices: which, and in what order.

Invariant: pages of an unchanged list, one after the other, hold every device once: equal values are ordered by key.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.device import Sight

MOST_PER_PAGE = 500
ORDERS = (
    "key",
    "dsn",
    "product_name",
    "model",
    "oem_model",
    "connection_status",
    "connected_at",
    "registered_at",
    "created_at",
)
"""Attributes of `Device` by which a list can be ordered."""


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: ``page`` from 1; only devices of the owner ``user_uuid``, if one is given."""

    page: int
    per_page: int
    order_by: str
    descending: bool
    user_uuid: str | None


class DevicePage(msgspec.Struct, frozen=True):
    """The devices of one page, and how many there are on all pages."""

    sights: Sequence[Sight]
    total: int


def cut_page(sights: Sequence[Sight], paging: Paging) -> DevicePage:
    """Cut a page out of a whole list. Devices without the attribute that orders come last in any direction."""
    chosen = [sight for sight in sights if paging.user_uuid in (None, sight.device.user_uuid)]
    chosen.sort(key=lambda sight: sight.device.key)
    with_value = [sight for sight in chosen if getattr(sight.device, paging.order_by) is not None]
    without = [sight for sight in chosen if getattr(sight.device, paging.order_by) is None]
    with_value.sort(key=lambda sight: _fold(getattr(sight.device, paging.order_by)), reverse=paging.descending)
    first = (paging.page - 1) * paging.per_page
    return DevicePage((with_value + without)[first : first + paging.per_page], len(chosen))


def _fold(value: str | float) -> str | float:
    return value.casefold() if isinstance(value, str) else value
