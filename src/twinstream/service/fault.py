"""Faults: who may set them, and on what.

Owns the permission: the owner of a subscription, or the operator, on a server that allows faults. Knows neither HTTP
nor sockets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from twinstream.errors import RequestError
from twinstream.model.fault import FaultCounts, Faults, check_faults
from twinstream.model.principal import Operator, User
from twinstream.model.subscription import Subscription
from twinstream.ports.work import Store, View


class FaultStatus(msgspec.Struct, frozen=True):
    """The faults of a subscription, None if there are none, and what they have done."""

    subscription_id: int
    faults: Faults | None
    counts: FaultCounts


class FaultBoard(Protocol):
    """Where faults are put into effect."""

    def set(self, subscription_id: int, faults: Faults) -> None:
        """Put these in the place of what is set; counts and connections are counted from here."""

    def clear(self, subscription_id: int) -> bool:
        """Set none, and send what is held back. False if none were set."""

    def show(self, subscription_id: int) -> FaultStatus:
        """Answer what is set."""

    def list_all(self) -> Sequence[FaultStatus]:
        """List what is set, by subscription."""


class FaultService:
    """The use cases of faults. ``board`` None: the server does not allow them. Call on the event loop.

    Every method raises RequestError ``faults_off`` then, and ``not_found`` for what is not the caller's.
    """

    def __init__(self, store: Store, board: FaultBoard | None) -> None:
        self._store = store
        self._board = board

    async def set(self, caller: User | Operator, subscription_id: int, faults: Faults) -> FaultStatus:
        """Set faults on a subscription's sockets, present and future. Raises ``invalid`` too."""
        board = await self._allow(caller, subscription_id)
        board.set(subscription_id, check_faults(faults))
        return board.show(subscription_id)

    async def show(self, caller: User | Operator, subscription_id: int) -> FaultStatus:
        """Answer a subscription's faults."""
        return (await self._allow(caller, subscription_id)).show(subscription_id)

    async def clear(self, caller: User | Operator, subscription_id: int) -> None:
        """Set no faults on a subscription's sockets any more."""
        (await self._allow(caller, subscription_id)).clear(subscription_id)

    async def list_all(self, operator: Operator) -> Sequence[FaultStatus]:  # noqa: ARG002
        """List the subscriptions that have faults."""
        return self._allowed().list_all()

    def _allowed(self) -> FaultBoard:
        if self._board is None:
            raise RequestError("faults_off")
        return self._board

    async def _allow(self, caller: User | Operator, subscription_id: int) -> FaultBoard:
        board = self._allowed()

        def find(view: View) -> Subscription | None:
            if isinstance(caller, Operator):
                return view.subscriptions.find_any(caller, subscription_id)
            return view.subscriptions.find(caller, subscription_id)

        if await self._store.query(find) is None:
            board_knows = isinstance(caller, Operator) and board.show(subscription_id).faults is not None
            if not board_knows:  # else the subscription was deleted, and the operator may clear up behind it
                raise RequestError("not_found")
        return board
