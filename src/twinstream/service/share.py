"""Shares of devices: given by the owner, seen by both sides, ended by either.

Knows no HTTP and no SQL. A share changes who may see the events that are committed from then on, and nothing before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from twinstream.errors import RequestError
from twinstream.model.mail import write_share
from twinstream.model.principal import User
from twinstream.model.share import Share, ShareDraft, ShareTerms, check_share_terms
from twinstream.model.user import normalise_email
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.outbox import Outbox


class ShareService:
    """The use cases of shares.

    A share that is not the user's, or has ended, is ``not_found`` like one that never was.
    """

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    async def create(self, owner: User, drafts: Sequence[ShareDraft]) -> list[Share]:
        """Share devices, all of them or none, and tell their new holders by mail.

        Raises:
            RequestError: ``not_found`` if a device is not the owner's or nobody has the email; ``conflict`` if the
                device is shared with that user already; ``invalid``.
        """

        def add(work: UnitOfWork) -> list[Share]:
            for draft in drafts:
                check_share_terms(draft.terms, work.now_s)
            return [work.shares.add(owner, draft.dsn, normalise_email(draft.email), draft.terms) for draft in drafts]

        shares = await self._store.run(add)
        for share in shares:
            self._tell(share)
        return shares

    def _tell(self, share: Share) -> None:
        holder, owner = share.holder.email, share.owner.email
        with suppress(RequestError):  # the share stands, also if too much mail is on its way
            self._outbox.post(write_share(holder, owner, share.dsn, share.terms.operation))

    async def get(self, user: User, share_id: int) -> Share:
        """Answer a share that the user gave or got. Raises RequestError ``not_found``."""

        def find(view: View) -> Share | None:
            return view.shares.find(user, share_id)

        return _found(await self._store.query(find))

    async def list_given(self, user: User) -> Sequence[Share]:
        """List the shares that the user gave, by id."""

        def read(view: View) -> Sequence[Share]:
            return view.shares.list_given(user)

        return await self._store.query(read)

    async def list_received(self, user: User) -> Sequence[Share]:
        """List the shares that the user got, by id."""

        def read(view: View) -> Sequence[Share]:
            return view.shares.list_received(user)

        return await self._store.query(read)

    async def update(self, owner: User, share_id: int, change: Callable[[ShareTerms], ShareTerms]) -> Share:
        """Change the terms of a share that the owner gave; ``change`` makes the new ones of the present ones.

        Raises:
            RequestError: ``not_found``, also for its holder; ``invalid``.
        """

        def amend(work: UnitOfWork) -> Share | None:
            share = _found(work.shares.find(owner, share_id))
            return work.shares.amend(owner, share_id, check_share_terms(change(share.terms), work.now_s))

        return _found(await self._store.run(amend))

    async def delete(self, user: User, share_id: int) -> None:
        """End a share that the user gave or got. Raises RequestError ``not_found``."""

        def remove(work: UnitOfWork) -> bool:
            return work.shares.remove(user, share_id)

        if not await self._store.run(remove):
            raise RequestError("not_found")

    async def delete_of_device(self, user: User, dsn: str) -> None:
        """End all shares of a device that the user gave or got. Raises RequestError ``not_found`` if there are none."""

        def remove(work: UnitOfWork) -> int:
            return work.shares.remove_of_device(user, dsn)

        if not await self._store.run(remove):
            raise RequestError("not_found")


def _found(share: Share | None) -> Share:
    if share is None:
        raise RequestError("not_found")
    return share
