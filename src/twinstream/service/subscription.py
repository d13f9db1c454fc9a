"""Subscriptions: made, changed, opened by their key, and forgotten.

Owns who may subscribe to what, and the life of a stream key: it is found by its hash, shown to its owner, and of a
mobile subscription it dies with the subscription a day after the last socket. Knows no HTTP, no SQL and no sockets.
Invariant: a subscription, its stretch and the control record that tells sessions of a change are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from twinstream.errors import RequestError
from twinstream.model.event import Change, Control
from twinstream.model.principal import Operator, User
from twinstream.model.subscription import ClientType, Gap, StartFrom, Subscription, Terms, check_terms
from twinstream.ports.clock import Clock
from twinstream.ports.ids import NewId
from twinstream.ports.seal import Sealer
from twinstream.ports.subscription import GapRecord
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.principal import require_staff
from twinstream.service.rate import RateLimit
from twinstream.service.secret import hash_secret
from twinstream.service.stretch import begin_stretches


class ShownSubscription(msgspec.Struct, frozen=True):
    """A subscription as its owner sees it; ``stream_key`` is None where only its hash is kept."""

    subscription: Subscription
    stream_key: str | None
    is_connected: bool


class OpenedStream(msgspec.Struct, frozen=True):
    """What the socket needs of the subscription that a key opened. ``batch_size``: most records of a message."""

    subscription_id: int
    oem: str
    batch_size: int
    start_from: StartFrom
    client_type: ClientType


class SubscriptionService:
    """The use cases of subscriptions. Somebody else's subscription is ``not_found`` like one that never was.

    ``is_connected`` tells whether a socket of a subscription (by id) is open. ``strict_security`` keeps hashes of keys
    alone. A mobile subscription lives ``mobile_expiry_s`` without a socket. A user makes ``created_per_minute``, an
    address tries ``wrong_keys_per_minute``; 0: no limit. One per server; call on the event loop.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: NewId,
        sealer: Sealer,
        is_connected: Callable[[int], bool],
        *,
        strict_security: bool = False,
        mobile_expiry_s: float = 86_400.0,
        created_per_minute: int = 0,
        wrong_keys_per_minute: int = 0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._sealer = sealer
        self._is_connected = is_connected
        self.strict_security = strict_security
        self._mobile_expiry_s = mobile_expiry_s
        self._created = RateLimit(clock, created_per_minute)
        self._wrong_keys = RateLimit(clock, wrong_keys_per_minute)
        self._seen: dict[int, float] = {}

    async def create(self, user: User, terms: Terms) -> ShownSubscription:
        """Make a subscription; the answer holds its stream key, for the only time if ``strict_security`` is on.

        Raises:
            RequestError: ``invalid``; ``forbidden`` if an end user asks for an OEM's events; ``no_access_rule``;
                ``too_many_requests``.
        """
        _authorise(user, check_terms(terms))
        self._created.check(user.uuid)
        self._created.count(user.uuid)
        stream_key = self._new_id.secret()
        key_hash = hash_secret(stream_key)
        key_sealed = None if self.strict_security else self._sealer.seal(stream_key)

        def add(work: UnitOfWork) -> Subscription:
            account = work.users.profile(user)
            if account is None:  # deleted since the token was looked up
                raise RequestError("unauthorized")
            subscription = work.subscriptions.add(account.user, terms, key_hash, key_sealed)
            _begin_allowed(work, subscription)
            return subscription

        return ShownSubscription(await self._store.run(add), stream_key, is_connected=False)

    async def get(self, user: User, subscription_id: int) -> ShownSubscription:
        """Answer one of the user's. Raises RequestError ``not_found``."""

        def find(view: View) -> Subscription | None:
            return view.subscriptions.find(user, subscription_id)

        return self._show(_found(await self._store.query(find)))

    async def list(self, user: User) -> Sequence[ShownSubscription]:
        """List the user's, by id."""

        def read(view: View) -> Sequence[Subscription]:
            return view.subscriptions.list_of_owner(user)

        return [self._show(subscription) for subscription in await self._store.query(read)]

    async def update(self, user: User, subscription_id: int, change: Callable[[Terms], Terms]) -> ShownSubscription:
        """Change the terms of one of the user's; ``change`` makes the new ones of the present ones.

        What was not read before the change is read with the filter of its time. Sessions go on.

        Raises:
            RequestError: ``not_found``; ``invalid``, also for another client type; ``no_access_rule``.
        """

        def amend(work: UnitOfWork) -> Subscription:
            present = _found(work.subscriptions.find(user, subscription_id)).terms
            terms = check_terms(change(present))
            if terms.client_type is not present.client_type:
                raise RequestError("invalid", "client_type cannot change.", field="client_type")
            subscription = _found(work.subscriptions.amend(user, subscription_id, terms))
            _begin_allowed(work, subscription)
            return subscription

        return self._show(await self._store.run(amend))

    async def delete(self, user: User, subscription_id: int) -> None:
        """Delete one of the user's; its sockets are closed. Raises RequestError ``not_found``."""

        def remove(work: UnitOfWork) -> None:
            if not work.subscriptions.remove(user, subscription_id):
                raise RequestError("not_found")
            _end(work, [subscription_id])

        await self._store.run(remove)

    async def list_gaps(self, user: User, subscription_id: int) -> Sequence[GapRecord]:
        """List what retention took before one of the user's could read it, oldest first. Raises ``not_found``."""

        def read(view: View) -> Sequence[GapRecord] | None:
            return view.subscriptions.list_gaps(user, subscription_id)

        gaps = await self._store.query(read)
        if gaps is None:
            raise RequestError("not_found")
        return gaps

    async def open_stream(self, stream_key: str, source: str = "") -> OpenedStream:
        """Answer what a key opens. It takes any text and the same time for each.

        ``source`` is the address that tries it; empty: one that no limit counts.

        Raises:
            RequestError: ``unknown_key`` (401) if no subscription has it, or one that has expired; ``suspended`` (403);
                ``too_many_requests`` instead of the former after too many wrong ones. A right key is never kept out:
                behind one address there may be many, and 128 bits are not guessed.
        """
        key_hash = hash_secret(stream_key)

        def find(view: View) -> Subscription | None:
            return view.subscriptions.find_by_key(key_hash)

        subscription = await self._store.query(find)
        if subscription is None or self._has_expired(subscription):
            if source:
                self._wrong_keys.check(source)
                self._wrong_keys.count(source)
            raise RequestError("unknown_key")
        if subscription.suspended_at is not None:
            raise RequestError("suspended")
        terms = subscription.terms
        return OpenedStream(subscription.id, subscription.oem, terms.batch_size, terms.start_from, terms.client_type)

    async def set_suspended(
        self, principal: User | Operator, subscription_id: int, suspended: bool
    ) -> ShownSubscription:
        """Suspend one, which closes its sockets and refuses new ones while numbering goes on, or resume it.

        Raises:
            RequestError: ``not_found``, for a user of any but the own; ``forbidden`` for a user who would resume what
                whoever runs the server has suspended.
        """

        def change(work: UnitOfWork) -> Subscription:
            if isinstance(principal, User):
                present = _found(work.subscriptions.find(principal, subscription_id))
                if present.by_operator and not suspended:
                    raise RequestError("forbidden", "It was suspended by whoever runs the server: ask them.")
            subscription = _found(work.subscriptions.set_suspended(principal, subscription_id, suspended))
            if suspended and subscription.suspended_at == work.now_s:  # it was not before
                work.log.append_control(Control(Change.SUSPENDED, (subscription_id,)))
            return subscription

        subscription = await self._store.run(change)
        if isinstance(principal, User):
            return self._show(subscription)
        return ShownSubscription(subscription, None, self._is_connected(subscription_id))

    async def list_of_oem(self, operator: Operator, oem: str) -> Sequence[ShownSubscription]:
        """List an OEM's, by id, without their keys."""

        def read(view: View) -> Sequence[Subscription]:
            return view.subscriptions.list_of_oem(operator, oem)

        found = await self._store.query(read)
        return [ShownSubscription(one, None, self._is_connected(one.id)) for one in found]

    async def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Store ranges that sessions asked for and retention had removed."""

        def add(work: UnitOfWork) -> None:
            work.subscriptions.add_gaps(gaps)

        if gaps:
            await self._store.run(add)

    def touch(self, subscription_id: int) -> None:
        """Remember that a socket of it is open now. Call when one opens and when one closes; stored by `expire`."""
        self._seen[subscription_id] = self._clock.now_s()

    async def flush(self) -> None:
        """Store what `touch` remembered. Call at shutdown; `expire` does it too."""
        seen = list(self._seen.items())
        if not seen:
            return

        def store(work: UnitOfWork) -> None:
            work.subscriptions.see(Operator(), seen)

        await self._store.run(store)
        for subscription_id, seen_at in seen:
            if self._seen.get(subscription_id) == seen_at:
                del self._seen[subscription_id]

    async def expire(self, *, limit: int = 500) -> int:
        """Delete up to ``limit`` mobile subscriptions that had no socket for too long; answer how many.

        Call about once a minute. Those with an open socket are marked as seen when half their time is over, so that a
        crash does not make them look forgotten.
        """
        await self.flush()
        before_s = self._clock.now_s() - self._mobile_expiry_s / 2

        def read(view: View) -> Sequence[Subscription]:
            return view.subscriptions.list_unseen(Operator(), before_s, limit)

        unseen = await self._store.query(read)
        for subscription in unseen:
            if self._is_connected(subscription.id):
                self.touch(subscription.id)
        expired = [subscription.id for subscription in unseen if self._has_expired(subscription)]

        def remove(work: UnitOfWork) -> None:
            work.subscriptions.remove_all(Operator(), expired)
            _end(work, expired)

        if expired:
            await self._store.run(remove)
        return len(expired)

    def _has_expired(self, subscription: Subscription) -> bool:
        if subscription.terms.client_type is not ClientType.MOBILE or self._is_connected(subscription.id):
            return False
        seen_at = max(subscription.seen_at, self._seen.get(subscription.id, 0.0))
        return seen_at + self._mobile_expiry_s <= self._clock.now_s()

    def _show(self, subscription: Subscription) -> ShownSubscription:
        sealed = None if self.strict_security else subscription.key_sealed
        return ShownSubscription(subscription, self._unseal(sealed), self._is_connected(subscription.id))

    def _unseal(self, sealed: str | None) -> str | None:
        try:
            return None if sealed is None else self._sealer.unseal(sealed)
        except ValueError:  # the key file is another one than at its creation: the stream key works, unseen
            return None


def end_subscriptions(work: UnitOfWork, operator: Operator, subscriptions: Sequence[Subscription]) -> None:
    """Delete subscriptions in a unit of work, as when their user is deleted."""
    ids = [subscription.id for subscription in subscriptions]
    if ids:
        work.subscriptions.remove_all(operator, ids)
        _end(work, ids)


def _end(work: UnitOfWork, subscription_ids: Sequence[int]) -> None:
    work.log.append_control(Control(Change.DELETED, tuple(subscription_ids)))
    for subscription_id in subscription_ids:
        work.log.end_stretches(subscription_id)


def _authorise(user: User, terms: Terms) -> None:
    if terms.client_type is not ClientType.MOBILE:
        require_staff(user)


def _begin_allowed(work: UnitOfWork, subscription: Subscription) -> None:
    (resolved,) = begin_stretches(work, [subscription])
    if not all(resolved.clauses.values()):
        raise RequestError("no_access_rule")


def _found(subscription: Subscription | None) -> Subscription:
    if subscription is None:
        raise RequestError("not_found")
    return subscription
