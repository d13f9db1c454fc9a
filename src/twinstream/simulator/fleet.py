"""A fleet at work: the devices and users of a scenario, each doing what the plan says, against a server over HTTP.

Owns who waits for what; what happens when is `simulator.plan`'s business, what is written down `truth.journal`'s.
Invariant: every datapoint that is sent, the echo of a device included, has its line in the truth before it leaves.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from random import SystemRandom
from typing import Any

import httpx
import msgspec

from twinstream.model.value import Value
from twinstream.simulator.clock import Clock
from twinstream.simulator.crew import Crew, move_in
from twinstream.simulator.device import Device
from twinstream.simulator.link import MALFORMED, RefusalError, Witness
from twinstream.simulator.plan import Setting, plan_outages, plan_reports, plan_users
from twinstream.simulator.resident import Resident
from twinstream.simulator.scenario import Model, Outages, Scenario, make_device_model
from twinstream.truth.journal import TruthFile

USER = "user"
"""How the truth calls whoever sets properties; a device is called by its DSN."""

LAST_ANSWERS_S = 5.0
"""At the end so long is waited for answers that are on their way."""

SYNC_INTERVAL_S = 1.0
"""How often the truth is put on the disk. A fleet that dies loses nothing; a machine that loses its power this much."""

RETRY_S = 5.0


class Fleet:
    """A scenario in a server. ``away`` counts the devices that are out of reach at present, ``outages`` all so far."""

    def __init__(
        self, scenario: Scenario, crew: Crew, url: str, truth: TruthFile, clock: Clock, *, seed: int | None = None
    ) -> None:
        self.away = 0
        self.outages = 0
        self._scenario = scenario
        self._crew = crew
        self._url = url
        self._truth = truth
        self._clock = clock
        self._seed = scenario.seed if seed is None else seed
        self._random = SystemRandom()
        self._trust = ssl.create_default_context()
        self._sending: set[asyncio.Future[None]] = set()
        self._begins_s = 0.0

    async def move_in(self) -> Crew:
        """Register devices and make subscriptions; answer the crew with its stream keys. Raises RefusalError."""
        async with self._connect() as client:
            return await move_in(self._crew, Resident(self._crew.account, client, self._clock, self._random))

    async def run(self, stop: asyncio.Event) -> None:
        """Live until told to stop; then wait a little for the last answers."""
        async with AsyncExitStack() as clients:
            devices = await self._make_devices(clients)
            resident = Resident(
                self._crew.account, await clients.enter_async_context(self._connect()), self._clock, self._random
            )
            self._begins_s = self._clock.now_s()
            working = [asyncio.ensure_future(device.run()) for device, _ in devices]
            planned = [
                asyncio.ensure_future(one) for one in (stop.wait(), self._sync(), *self._plan(devices, resident))
            ]
            try:
                done, _ = await asyncio.wait({*planned, *working}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                await _cancel(planned)
                if self._sending:
                    await asyncio.wait(self._sending, timeout=LAST_ANSWERS_S)
                await _cancel([*working, *self._sending])

    def _plan(self, devices: list[tuple[Device, Model]], resident: Resident) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what is to be done, for ever, beside the devices' own polling."""
        for device, model in devices:
            measured: asyncio.Queue[Setting] = asyncio.Queue()
            yield self._measure(device, model, measured)
            yield self._tell(device, measured)
            if self._scenario.outages:
                yield self._suffer(device, self._scenario.outages)
        if self._scenario.users:
            yield self._use(resident)

    async def _make_devices(self, clients: AsyncExitStack) -> list[tuple[Device, Model]]:
        models = {model.oem_model: model for model in self._scenario.models}
        made = []
        for member in self._crew.devices:
            model = models[member.oem_model]
            device = Device(
                member.dsn,
                make_device_model(model),
                member.public_key,
                await clients.enter_async_context(self._connect()),
                self._clock,
                self._random,
                poll_interval_s=model.poll_s,
                witness_of=self._witness_of(member.dsn, member.dsn),
            )
            made.append((device, model))
        return made

    def _connect(self) -> httpx.AsyncClient:
        """One connection each: a second poll over it tells the server that the first answer was read."""
        limits = httpx.Limits(max_connections=1)
        return httpx.AsyncClient(base_url=self._url, trust_env=False, verify=self._trust, timeout=10, limits=limits)

    async def _measure(self, device: Device, model: Model, measured: asyncio.Queue[Setting]) -> None:
        for setting in plan_reports(model, device.dsn, self._seed):
            await self._sleep_until(setting.at_s)
            measured.put_nowait(setting)

    async def _tell(self, device: Device, measured: asyncio.Queue[Setting]) -> None:
        """Let a device tell what it measured; what it measured out of reach it tells afterwards, all at once."""
        while True:
            setting = await measured.get()
            await device.wait_for_reach()
            await self._insist(device.report(setting.name, setting.value))

    async def _suffer(self, device: Device, outages: Outages) -> None:
        """Take a device out of reach and back."""
        for begins_s, ends_s in plan_outages(outages, device.dsn, self._seed):
            await self._sleep_until(begins_s)
            device.go_away()
            self.away += 1
            self.outages += 1
            await self._sleep_until(ends_s)
            device.come_back()
            self.away -= 1

    async def _use(self, resident: Resident) -> None:
        """Set what users set, one thing after the other."""
        for setting in plan_users(self._scenario, self._seed):
            await self._sleep_until(setting.at_s)
            witness = self._witness_of(USER, setting.dsn)(setting.name, setting.value)
            await self._insist(resident.set_property(setting.dsn, setting.name, setting.value, witness))

    async def _sync(self) -> None:
        while True:
            await self._clock.sleep(SYNC_INTERVAL_S)
            await asyncio.to_thread(self._truth.sync)

    async def _insist(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do one thing, to its end even if this is cancelled; what the server refuses is left out, after a pause."""
        task = asyncio.ensure_future(doing)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        try:
            await asyncio.shield(task)
        except RefusalError as refusal:
            if refusal.status == 401:
                await self._clock.sleep(RETRY_S)
        except MALFORMED:
            await self._clock.sleep(RETRY_S)

    async def _sleep_until(self, at_s: float) -> None:
        wait_s = self._begins_s + at_s - self._clock.now_s()
        if wait_s > 0:
            await self._clock.sleep(wait_s)

    def _witness_of(self, by: str, dsn: str) -> Callable[[str, Value], Witness]:
        """Write down what ``by`` sends about the device, attempt by attempt, and what became of it."""

        def witness_of(name: str, value: Value) -> Witness:
            def begin() -> Callable[[httpx.Response | None], None]:
                number = self._truth.send(by, dsn, name, value)
                return lambda answer: self._note(number, answer)

            return begin

        return witness_of

    def _note(self, number: int, answer: httpx.Response | None) -> None:
        """Write down an answer. Of 408 and 5xx nobody knows whether it happened: they are none."""
        if answer is None:
            self._truth.refuse(number, 0)
        elif answer.is_success:
            self._truth.accept(number, msgspec.json.decode(answer.content)["datapoint"]["id"])
        elif answer.is_client_error and answer.status_code != httpx.codes.REQUEST_TIMEOUT:
            self._truth.refuse(number, answer.status_code)


async def _cancel(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
