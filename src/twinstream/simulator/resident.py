"""The user's side: someone who signs in as an app does, sets LEDs, moves devices, registers and unregisters them.

Owns the calls; what is done when is told by `simulator.household`. Knows the server by its HTTP interface alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from twinstream.model.event import EventType
from twinstream.model.value import Value
from twinstream.simulator.clock import Clock
from twinstream.simulator.link import Call, Link, Witness


class Account(msgspec.Struct, frozen=True):
    """What a user types, and what the app that it is typed into has. All of it secret but the email and ``app_id``."""

    email: str
    password: str
    app_id: str
    app_secret: str


class UserCredential:
    """An account, and the token that the server gave for it. Implements `link.Credential`."""

    attempts = 1
    """Why: more wrong passwords in a row would lock the account for its owner."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.headers: Mapping[str, str] | None = None

    def ask(self) -> Call:
        """Sign in."""
        account = self._account
        application = {"app_id": account.app_id, "app_secret": account.app_secret}
        user = {"email": account.email, "password": account.password, "application": application}
        return Call("POST", "/users/sign_in.json", {}, body={"user": user})

    def accept(self, answer: httpx.Response) -> None:
        """Take the access token."""
        self.headers = {"Authorization": f"auth_token {msgspec.json.decode(answer.content)['access_token']}"}


class Resident:
    """A signed-in user. Every method raises RefusalError when the server says no."""

    def __init__(self, account: Account, client: httpx.AsyncClient, clock: Clock, random: Random) -> None:
        self._credential = UserCredential(account)
        self._link = Link(client, self._credential, clock, random)

    @property
    def headers(self) -> Mapping[str, str] | None:
        """What the user's requests carry at present; None before the first."""
        return self._credential.headers

    async def list_subscriptions(self) -> list[dict[str, Any]]:
        """Return the user's subscriptions, each as the object within its wrapper."""
        answer = await self._link.call("GET", "/api/v1/subscriptions.json")
        return [item["subscription"] for item in msgspec.json.decode(answer.content)]

    async def subscribe(self, terms: Mapping[str, Any]) -> dict[str, Any]:
        """Make a subscription, and return it with its stream key."""
        answer = await self._link.call("POST", "/api/v1/subscriptions.json", body=terms)
        subscription: dict[str, Any] = msgspec.json.decode(answer.content)["subscription"]
        return subscription

    async def subscribe_all(self, label: str, where: Mapping[str, str], old_keys: Mapping[str, str]) -> dict[str, str]:
        """Make the subscriptions that are missing, one for each type of event; answer their stream keys by type.

        They are called "``label`` <type>", and ``where`` has their ``dsn`` and ``oem_model``. They are cloud
        subscriptions, whose keys stay valid however long nobody reads; a mobile one would last a day. A server that
        keeps hashes of keys alone shows none: then ``old_keys``, by type, hold.
        """
        present = {subscription["name"]: subscription for subscription in await self.list_subscriptions()}
        keys = {}
        for kind in EventType:
            name = f"{label} {kind}"
            subscription = present.get(name, {})
            key = subscription.get("stream_key") or (old_keys.get(kind) if subscription else None)
            if key is None:
                terms = {**where, "property_name": "*", "client_type": "cloud", "subscription_type": kind}
                made = await self.subscribe({"name": name, **terms})
                key = made["stream_key"]
            keys[str(kind)] = key
        return keys

    async def list_devices(self) -> dict[str, int]:
        """Return the DSNs of the devices that the user sees, with their keys."""
        answer = await self._link.call("GET", "/apiv1/devices.json")
        return {item["device"]["dsn"]: item["device"]["key"] for item in msgspec.json.decode(answer.content)}

    async def set_property(self, dsn: str, name: str, value: Value, witness: Witness | None = None) -> None:
        """Create a datapoint of an input property."""
        path = f"/apiv1/dsns/{quote(dsn)}/properties/{quote(name)}/datapoints.json"
        await self._link.call("POST", path, body={"datapoint": {"value": value}}, witness=witness)

    async def move(self, key: int, lat: float, lng: float) -> None:
        """Tell where a device is, in degrees."""
        place = {"lat": f"{lat:.6f}", "long": f"{lng:.6f}"}
        await self._link.call("POST", f"/apiv1/devices/{key}/locations.json", body={"location": place})

    async def register(self, dsn: str, *, setup_token: str | None = None) -> None:
        """Become a device's owner."""
        claim: dict[str, Any] = {"dsn": dsn, **({"setup_token": setup_token} if setup_token else {})}
        await self._link.call("POST", "/apiv1/devices.json", body={"device": claim})

    async def unregister(self, key: int) -> None:
        """Give a device up."""
        await self._link.call("DELETE", f"/apiv1/devices/{key}.json")
