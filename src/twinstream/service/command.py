"""What waits for devices, and how it is handed out: at least once, and not for ever.

A poll costs nothing while nothing waits: `Deliveries` remembers, in memory, for which devices anything may wait. What
a poll handed out
waits on until there is a sign that it arrived:

* the device acknowledged it, echoed it or sent its result; or
* the device polls again over the same connection, so it has read the answer before; or
* it was handed out twice: a device that opens a connection for every request gets a value twice at most.

A file that was let go of like this, but not marked as fetched, waits again once the device introduces itself.
So a lost answer (or a crash) loses nothing, and a value that was set once is not set again and again.
Invariant: `Deliveries` may name a device for which nothing waits, never the other way round. Its members change on the
writer's thread, in the transaction that changes what waits, or stay as they are.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import msgspec

from twinstream.model import principal
from twinstream.model.command import Pending
from twinstream.ports.command import NewValue
from twinstream.ports.work import Store, UnitOfWork, View

POLL_LIMIT = 100
"""Most values, and most commands, in one answer; the device is told to ask again for the rest."""

MOST_TIMES = 2
"""How often a poll hands the same thing out without a sign that it arrived."""

NOTHING = Pending((), (), False)


class Handed(msgspec.Struct, frozen=True):
    """What the last poll of a device handed out, over which connection, and how often by now.

    ``values`` is by property key: the datapoint and the count. ``commands`` is by id: the count.
    """

    connection: Hashable
    values: dict[int, tuple[str, int]]
    commands: dict[int, int]


class Deliveries:
    """For which devices anything may wait, and what each was handed last. Members of one process's memory."""

    def __init__(self) -> None:
        self._waiting: set[int] = set()
        self._handed: dict[int, Handed] = {}

    def expect(self, device_key: int) -> None:
        """Remember that something may wait for the device. From any thread, before the commit that makes it wait."""
        self._waiting.add(device_key)

    def settle(self, device_key: int) -> None:
        """Remember that nothing waits, as the present transaction sees it. On the writer's thread only."""
        self._waiting.discard(device_key)

    def may_wait(self, device_key: int) -> bool:
        """Tell whether anything may wait for the device."""
        return device_key in self._waiting

    def find_handed(self, device_key: int) -> Handed | None:
        """Find what the device was handed last, if that still waits for a sign."""
        return self._handed.get(device_key)

    def find_handed_value(self, device_key: int, property_key: int) -> str | None:
        """Find the datapoint whose value the device was handed last for a property."""
        handed = self._handed.get(device_key)
        entry = None if handed is None else handed.values.get(property_key)
        return None if entry is None else entry[0]

    def store_handed(self, device_key: int, handed: Handed | None) -> None:
        """Remember what the device was handed; None: nothing."""
        if handed is None:
            self._handed.pop(device_key, None)
        else:
            self._handed[device_key] = handed


class CommandService:
    """Use cases of devices that ask what waits for them."""

    def __init__(self, store: Store, deliveries: Deliveries) -> None:
        self._store = store
        self._deliveries = deliveries

    async def start(self) -> None:
        """Learn from the store for which devices anything waits. Before the first poll."""
        for key in await self._store.query(lambda view: view.commands.list_waiting_devices()):
            self._deliveries.expect(key)

    async def poll(self, device: principal.Device, connection: Hashable) -> Pending:
        """Answer what waits for the device, and let go of what it is known to have got.

        Args:
            device: who asks.
            connection: what names the connection over which it asks.
        """
        if not self._deliveries.may_wait(device.key):
            return NOTHING
        before = self._deliveries.find_handed(device.key)
        try:
            pending = await self._store.run(lambda work: self._hand_out(work, device.key, before, connection))
        except BaseException:
            self._deliveries.expect(device.key)  # what was settled may have been rolled back
            raise
        self._deliveries.store_handed(device.key, _count(pending, before, connection))
        return pending

    async def renew(self, device: principal.Device) -> None:
        """Let the present values of all the device's inputs wait, and files, as it wishes after a start."""

        def renew(work: UnitOfWork) -> None:
            values = [*work.properties.list_inputs(device.key), *work.contents.list_due(device.key)]
            self._let_wait(work, device.key, values)

        await self._store.run(renew)
        self._deliveries.store_handed(device.key, None)

    async def offer_files(self, device: principal.Device) -> None:
        """Let the files wait again that the device, or a node behind it, was handed and has not fetched.

        For a device that has started: what it was handed before is lost to it.
        """

        def find(view: View) -> Sequence[NewValue]:
            return view.contents.list_due(device.key)

        if not await self._store.query(find):  # most devices have none: spare them the transaction
            return

        def offer(work: UnitOfWork) -> Sequence[NewValue]:
            values = find(work)
            self._let_wait(work, device.key, values)
            return values

        offered = {value.property_key for value in await self._store.run(offer)}
        handed = self._deliveries.find_handed(device.key)
        if handed is not None:
            others = {key: entry for key, entry in handed.values.items() if key not in offered}
            self._deliveries.store_handed(device.key, msgspec.structs.replace(handed, values=others))

    async def finish(self, device: principal.Device, command_id: int) -> None:
        """Take the result of a command. One that does not wait (any more) is no error: results may be repeated."""
        await self._store.run(lambda work: work.commands.remove_commands(device.key, [command_id]))

    def _let_wait(self, work: UnitOfWork, device_key: int, values: Sequence[NewValue]) -> None:
        if not values:
            return
        work.commands.add_values(values)
        for key in {device_key, *(value.device_key for value in values)}:
            self._deliveries.expect(key)

    def _hand_out(self, work: UnitOfWork, key: int, before: Handed | None, connection: Hashable) -> Pending:
        if before is not None:
            read = before.connection == connection
            values = [(of, id_) for of, (id_, times) in before.values.items() if read or times >= MOST_TIMES]
            commands = [id_ for id_, times in before.commands.items() if read or times >= MOST_TIMES]
            work.commands.remove_values(values)
            work.commands.remove_commands(key, commands)
        pending = work.commands.list_pending(key, POLL_LIMIT)
        if not (pending.values or pending.commands):
            self._deliveries.settle(key)
        return pending


def _count(pending: Pending, before: Handed | None, connection: Hashable) -> Handed | None:
    if not (pending.values or pending.commands):
        return None
    values, commands = (before.values, before.commands) if before is not None else ({}, {})

    def times(property_key: int, datapoint_id: str) -> int:
        id_, count = values.get(property_key, ("", 0))
        return count + 1 if id_ == datapoint_id else 1

    return Handed(
        connection,
        {
            value.property_key: (value.datapoint_id, times(value.property_key, value.datapoint_id))
            for value in pending.values
        },
        {command.id: commands.get(command.id, 0) + 1 for command in pending.commands},
    )
