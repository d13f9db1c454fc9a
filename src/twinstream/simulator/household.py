"""A household of three devices in which something happens every few seconds: the example of the documents, alive.

Owns what is done when. Whoever watches for a minute sees all five types of events, whenever they begin: the cycle of
`SCENES` is shorter than that, however its pauses fall out.

Invariant: what the server refuses is left out, and the next scene follows. Two of the devices stay; only the third, the
traveller, is ever unregistered or carried off, and what others do with the two is not undone.
"""

from __future__ import annotations

import string
from collections.abc import Awaitable, Callable
from itertools import count
from random import Random

import msgspec
import structlog

from twinstream.simulator.clock import Clock
from twinstream.simulator.device import Device
from twinstream.simulator.link import MALFORMED, RefusalError
from twinstream.simulator.resident import Resident

HOME = (44.7695, -69.4283)
"""Where the traveller sets out, in degrees. Source: the documents' location sample."""

_log = structlog.get_logger(__name__)


class Household:
    """A resident, two steady devices and a traveller.

    ``led_board`` is a `model.LEDEVB`, ``linux_board`` a `model.LINUXEVB`; both are registered by their DSN alone, the
    traveller with a set-up token (AP-Mode). The traveller has no place until it is carried to one, which is after its
    registration: a place that it told before would be an event without a user.
    """

    def __init__(
        self,
        resident: Resident,
        led_board: Device,
        linux_board: Device,
        traveller: Device,
        clock: Clock,
        random: Random,
    ) -> None:
        self._resident = resident
        self._led_board = led_board
        self._linux_board = linux_board
        self._traveller = traveller
        self._clock = clock
        self._random = random
        self._reports = count()

    async def move_in(self) -> None:
        """Register the steady devices that are nobody's yet. Raises RefusalError if the resident may not sign in."""
        owned = await self._resident.list_devices()
        for device in (self._led_board, self._linux_board):
            if device.dsn not in owned:
                await self._try(self._resident.register(device.dsn))

    async def run(self) -> None:
        """Play the scenes round and round; end only when the resident may not sign in any more."""
        try:
            await self._try(self.register())
            while True:
                for pause_s, scene in SCENES:
                    await self._clock.sleep(pause_s * self._random.uniform(0.8, 1.2))
                    await self._try(scene(self))
        except RefusalError as refusal:
            _log.warning("resident refused", reason=str(refusal))
        finally:
            self._traveller.come_back()

    async def light_led(self) -> None:
        """Toggle the green or the red LED."""
        await self._toggle(self._led_board, self._random.choice(("Green_LED", "Red_LED")))

    async def light_acknowledged_led(self) -> None:
        """Toggle the blue LED."""
        await self._toggle(self._linux_board, "Blue_LED")

    async def press_button(self) -> None:
        """Press the black button."""
        await self._led_board.press("Black_button")

    async def report(self) -> None:
        """Let the Linux board send, seldom, what it holds: as a message, and as the few lines of a file."""
        if next(self._reports) % CYCLES_PER_REPORT:
            return
        board = self._linux_board
        await board.send("report", msgspec.json.encode(board.values))
        lines = "".join(f"{name} = {value}\n" for name, value in board.values.items())
        await board.send("log_file", lines.encode())

    async def move(self) -> None:
        """Carry the traveller to another place, and tell that."""
        lat, lng = self._carry()
        if key := await self._find_traveller():
            await self._resident.move(key, lat, lng)

    async def leave(self) -> None:
        """Carry the traveller out of reach."""
        self._traveller.go_away()

    async def come_back(self) -> None:
        """Carry the traveller to another place, where it is in reach again and tells of itself where that is."""
        self._carry()
        self._traveller.come_back()

    async def unregister(self) -> None:
        """Give the traveller up."""
        if key := await self._find_traveller():
            await self._resident.unregister(key)

    async def register(self) -> None:
        """Set the traveller up and register it, unless that is done already."""
        if await self._find_traveller() is None:
            token = "".join(self._random.choices(string.ascii_letters + string.digits, k=8))
            await self._traveller.set_up(token)
            await self._resident.register(self._traveller.dsn, setup_token=token)

    def _carry(self) -> tuple[float, float]:
        """Move the traveller a few hundred metres, rather towards home than away from it."""
        lat, lng = (
            at + (home - at) * 0.1 + self._random.uniform(-0.004, 0.004)
            for at, home in zip(self._traveller.place or HOME, HOME, strict=True)
        )
        self._traveller.place = lat, lng
        return lat, lng

    async def _find_traveller(self) -> int | None:
        """Return the traveller's key, None while it is not registered: a person may have been quicker."""
        return (await self._resident.list_devices()).get(self._traveller.dsn)

    async def _toggle(self, device: Device, name: str) -> None:
        await self._resident.set_property(device.dsn, name, 1 - int(device.values[name]))

    async def _try(self, doing: Awaitable[None]) -> None:
        try:
            await doing
        except RefusalError as refusal:
            if refusal.status == 401:
                raise
            _log.debug("scene refused", reason=str(refusal))
        except MALFORMED as error:
            _log.warning("scene answered badly", error=repr(error))


SCENES: tuple[tuple[float, Callable[[Household], Awaitable[None]]], ...] = (
    (0.5, Household.light_led),
    (2, Household.light_acknowledged_led),
    (2, Household.press_button),
    (1, Household.report),
    (2, Household.move),
    (2, Household.unregister),
    (2, Household.register),
    (2, Household.leave),
    (3, Household.light_acknowledged_led),
    (3, Household.light_led),
    (3, Household.press_button),
    (3, Household.light_led),
    (3, Household.move),
    (5, Household.light_acknowledged_led),  # the presence time-out of the demo, 15 s, has passed
    (2, Household.come_back),
    (3, Household.light_led),
    (3, Household.press_button),
    (3, Household.light_acknowledged_led),
    (3, Household.move),
)
"""What happens, each with the seconds before it (±20 %): a cycle of about 48 s, and never of a minute."""

CYCLES_PER_REPORT = 8
"""The Linux board sends a file and a message in the first cycle and then about every six minutes."""
