"""When what a subscription may see has changed, a new stretch of it begins.

Owns the one way from a subscription, and the rules that bear on it, to its filter in the log. Invariant: it is called
in the transaction of every change of terms, of access rules and of roles, so that the newest stretch always says what
is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twinstream.model.access_rule import AccessRule
from twinstream.model.filter import Filter
from twinstream.model.subscription import ClientType, Subscription, resolve_filter
from twinstream.ports.work import UnitOfWork


def begin_stretches(work: UnitOfWork, subscriptions: Iterable[Subscription]) -> list[Filter]:
    """Resolve the filter of each and begin a stretch where it differs from the newest one; answer the filters."""
    rules: dict[tuple[str, str], Sequence[AccessRule]] = {}
    filters: dict[int, Filter] = {}
    for subscription in subscriptions:
        role = (subscription.oem, subscription.role)
        if subscription.terms.client_type is ClientType.MOBILE:
            bearing: Sequence[AccessRule] = ()
        else:
            bearing = rules[role] = rules[role] if role in rules else work.access_rules.list_for(*role)
        filters[subscription.id] = resolve_filter(subscription, bearing)
    work.log.begin_stretches(list(filters.items()))
    return list(filters.values())
