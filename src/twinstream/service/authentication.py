"""How a device shows who it is: first by its key pair, then by the authentication key that it was given.

Owns the check of proofs and the authentication keys in force, one per device: a new one ends the one before. A proof
counts for `WINDOW_S` around the time in it, and once. Invariant: whatever is wrong with a credential, the refusal
is the same: one for keys, and one for proofs, which says what a device can set right by itself.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict

import msgspec

from twinstream.errors import RequestError
from twinstream.model.device import DeviceRef
from twinstream.model.principal import Device
from twinstream.ports.clock import Clock
from twinstream.ports.ids import NewId
from twinstream.ports.seal import Sealer
from twinstream.ports.work import Store
from twinstream.service.device_key import open_proof
from twinstream.service.presence import PresenceService
from twinstream.service.secret import hash_secret

WINDOW_S = 300.0
"""How far a device's clock may be off. One that is off more learns the time from the refusal's headers."""

PROOF_REFUSED = (
    "The proof is refused: by a key that is not this device's, for another method or path, used before, or of a time"
    f" more than {WINDOW_S:.0f} s from the server's clock, which x-Ayla-server-time tells."
)
"""Told of every proof that is refused, whatever is wrong with it."""

LONGEST_CREDENTIAL = 1024
"""Characters; a proof made with a 2048-bit key has 344, an authentication key 32."""

PROOFS_AT_ONCE = 2
"""Proofs that are decrypted at a time: they must not take all the machine."""


class DeviceCredential(msgspec.Struct, frozen=True):
    """What a device sent to show who it is (ayla-facts 4.1), without the leading ``Ayla1.0``.

    Either ``auth_key``, the value that an earlier answer gave it; or ``proof``, base64 of the RSA encryption of
    ``<unix time> <method> <target_path>\\n``. ``target_path`` is as it was sent, without the query.
    """

    auth_key: str | None
    proof: str | None
    method: str
    target_path: str


class Authenticated(msgspec.Struct, frozen=True):
    """Who it is, and the authentication key to give it: None if it has used the one in force."""

    device: Device
    auth_key: str | None


class DeviceAuthentication:
    """See the module. One per process; call on the event loop."""

    def __init__(self, store: Store, clock: Clock, new_id: NewId, sealer: Sealer, presence: PresenceService) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._sealer = sealer
        self._presence = presence
        self._devices: dict[str, Device] = {}
        self._hashes: dict[int, str] = {}
        self._used: OrderedDict[str, float] = OrderedDict()
        self._decryptions = asyncio.Semaphore(PROOFS_AT_ONCE)

    async def authenticate(self, credential: DeviceCredential) -> Authenticated:
        """Find out who it is, and note that it talks.

        Raises:
            RequestError: ``unauthorized``.
        """
        if len(credential.auth_key or credential.proof or "") > LONGEST_CREDENTIAL:
            raise _refuse(credential)
        if credential.auth_key:
            authenticated = Authenticated(await self._find_by_key(hash_secret(credential.auth_key)), None)
        else:
            authenticated = await self._admit(await self._check_proof(credential))
        await self._presence.touch(authenticated.device.key)
        return authenticated

    def forget(self, key: int) -> None:
        """Stop remembering the device: the store is asked at its next request."""
        auth_hash = self._hashes.pop(key, None)
        if auth_hash is not None:
            self._devices.pop(auth_hash, None)

    async def _find_by_key(self, auth_hash: str) -> Device:
        device = self._devices.get(auth_hash)
        if device is None:
            device = await self._store.query(lambda view: view.devices.find_principal(auth_hash))
            if device is None:
                raise RequestError("unauthorized")
            if device.key not in self._hashes:  # Why: a newer key may have come into force since the store was asked
                self._remember(device, auth_hash)
        return device

    async def _check_proof(self, credential: DeviceCredential) -> Device:
        ref = _read_ref(credential.target_path)
        if ref is None or credential.proof is None:
            raise _refuse(credential)
        found: tuple[Device, str] | None = await self._store.query(lambda view: view.devices.find_private_key(ref))
        if found is None:
            raise _refuse(credential)
        device, sealed = found
        proof = credential.proof
        async with self._decryptions:
            text = await asyncio.to_thread(lambda: open_proof(self._sealer.unseal(sealed), proof))
        if not self._holds(text, credential) or not self._is_first_use(hash_secret(proof)):
            raise _refuse(credential)
        return device

    def _holds(self, text: str | None, credential: DeviceCredential) -> bool:
        said = _PROOF.fullmatch(text or "")
        return (
            said is not None
            and (said["method"], said["path"]) == (credential.method, credential.target_path)
            and abs(int(said["time"]) - self._clock.now_s()) <= WINDOW_S
        )

    def _is_first_use(self, proof_hash: str) -> bool:
        """Why once: whoever has seen a proof go by must not get a key for it. Each real one differs, by its padding."""
        now_s = self._clock.now_s()
        while self._used and next(iter(self._used.values())) < now_s:
            self._used.popitem(last=False)
        if proof_hash in self._used:
            return False
        self._used[proof_hash] = now_s + 2 * WINDOW_S
        return True

    async def _admit(self, device: Device) -> Authenticated:
        auth_key = self._new_id.secret()
        auth_hash = hash_secret(auth_key)
        await self._store.run(lambda work: work.devices.store_auth_hash(device.key, auth_hash))
        self._remember(device, auth_hash)
        return Authenticated(device, auth_key)

    def _remember(self, device: Device, auth_hash: str) -> None:
        self.forget(device.key)
        self._hashes[device.key] = auth_hash
        self._devices[auth_hash] = device


def _refuse(credential: DeviceCredential) -> RequestError:
    is_proof = credential.proof is not None and not credential.auth_key
    return RequestError("unauthorized", PROOF_REFUSED if is_proof else "")


def _read_ref(path: str) -> DeviceRef | None:
    """Tell which device a path is about: a proof names none."""
    found = _PATH.match(path)
    if found is None:
        return None
    return found["dsn"] or int(found["key"])


_PATH = re.compile(
    r"/(?:dev/v1/)?dsns/(?P<dsn>[A-Za-z0-9_-]{1,32})(?=[./]|$)|/devices/(?P<key>[0-9]{1,18})(?=[./]|$)", re.ASCII
)
_PROOF = re.compile(r"(?P<time>[0-9]{1,12}) (?P<method>[A-Z]+) (?P<path>[^ \n]+)\n", re.ASCII)
