"""How a device shows who it is."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.services import OPERATOR
from tests.twins import DSN, OEM, Twins, open_twins
from twinstream.errors import RequestError
from twinstream.service.authentication import PROOF_REFUSED, WINDOW_S, DeviceCredential

PATH = f"/dsns/{DSN}.json"
OTHER = "AC000W000340779"


def prove(public_key: str, text: str) -> str:
    """What a device sends: base64 of the RSA encryption of a text."""
    key = load_pem_public_key(public_key.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    return base64.b64encode(key.encrypt(text.encode(), padding.PKCS1v15())).decode()


def by_proof(
    public_key: str, at_s: float, *, method: str = "GET", path: str = PATH, said: str | None = None
) -> DeviceCredential:
    """A credential by proof; ``said`` is what is encrypted if that is not what is done."""
    return DeviceCredential(None, prove(public_key, said or f"{int(at_s)} {method} {path}\n"), method, path)


def by_key(auth_key: str, path: str = PATH) -> DeviceCredential:
    """A credential by authentication key."""
    return DeviceCredential(auth_key, None, "GET", path)


async def refused(twins: Twins, credential: DeviceCredential) -> bool:
    """Whether it is refused like every other key, or proof: of that the text speaks of clocks."""
    wanted = PROOF_REFUSED if credential.proof else RequestError("unauthorized").message
    assert ("300 s from the server's clock" in wanted) == (credential.proof is not None)
    try:
        await twins.authentication.authenticate(credential)
    except RequestError as error:
        return (error.code, error.message) == ("unauthorized", wanted)
    return False


def read_files(folder: Path) -> bytes:
    """All files below a folder, one after the other."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
async def public_key(twins: Twins) -> str:
    """The public key of the one device."""
    return (await twins.devices.provision(OPERATOR, OEM, DSN, "ledevb")).public_key


async def test_a_proof_gets_a_key_and_the_key_gets_in(twins: Twins, public_key: str) -> None:
    """The first request proves who it is and is given a key; later ones show the key; either is talk."""
    first = await twins.authentication.authenticate(by_proof(public_key, twins.clock.now_s()))
    assert first.device.dsn == DSN
    assert first.auth_key is not None
    assert twins.presence.last_talk_s(first.device.key) == twins.clock.now_s()
    twins.clock.turn(5)
    later = await twins.authentication.authenticate(by_key(first.auth_key))
    assert (later.device, later.auth_key) == (first.device, None)
    assert twins.presence.last_talk_s(first.device.key) == twins.clock.now_s()


async def test_a_new_key_ends_the_one_before(twins: Twins, public_key: str) -> None:
    """One authentication key per device is in force."""
    old = await twins.authentication.authenticate(by_proof(public_key, twins.clock.now_s()))
    new = await twins.authentication.authenticate(by_proof(public_key, twins.clock.now_s()))
    assert await refused(twins, by_key(old.auth_key or ""))
    assert not await refused(twins, by_key(new.auth_key or ""))


async def test_an_ended_key_is_not_remembered_by_a_look_up_under_way(
    twins: Twins, public_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that found the old key in force just before it was replaced does not keep it in force."""
    old = await twins.authentication.authenticate(by_proof(public_key, twins.clock.now_s()))
    twins.authentication.forget(old.device.key)  # so that the store is asked
    query, answered, replaced = twins.store.query, asyncio.Event(), asyncio.Event()

    async def ask_slowly(question: Callable[[Any], Any]) -> Any:
        found = await query(question)
        answered.set()
        await replaced.wait()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(twins.store, "query", ask_slowly)
        request = asyncio.create_task(twins.authentication.authenticate(by_key(old.auth_key or "")))
        await answered.wait()
    new = await twins.authentication.authenticate(by_proof(public_key, twins.clock.now_s()))
    replaced.set()
    await request
    assert await refused(twins, by_key(old.auth_key or ""))
    assert not await refused(twins, by_key(new.auth_key or ""))


async def test_keys_survive_a_restart(tmp_path: Path) -> None:
    """A key is stored as its hash, and counts on after the server has started again."""
    async with open_twins(tmp_path) as twins:
        await twins.add_oem(OEM)
        public_key = (await twins.devices.provision(OPERATOR, OEM, DSN, "ledevb")).public_key
        auth_key = (await twins.authentication.authenticate(by_proof(public_key, twins.clock.now_s()))).auth_key or ""
    kept = read_files(tmp_path)
    assert kept
    assert auth_key.encode() not in kept
    async with open_twins(tmp_path) as twins:
        assert not await refused(twins, by_key(auth_key))


@pytest.mark.parametrize("off_s", [-WINDOW_S, 0, WINDOW_S])
async def test_a_clock_may_be_a_little_off(twins: Twins, public_key: str, off_s: float) -> None:
    """Up to five minutes either way."""
    assert not await refused(twins, by_proof(public_key, twins.clock.now_s() + off_s))
    assert await refused(twins, by_proof(public_key, twins.clock.now_s() + off_s * 1.01 + 2 * (off_s == 0) * WINDOW_S))


async def test_what_is_wrong_with_a_proof_is_not_told(twins: Twins, public_key: str) -> None:
    """Another method, path, device, key, text or encoding: always the same refusal."""
    now = int(twins.clock.now_s())
    stranger = (await twins.devices.provision(OPERATOR, OEM, OTHER, "ledevb")).public_key
    wrong = [
        by_proof(public_key, now, said=f"{now} PUT {PATH}\n"),
        by_proof(public_key, now, said=f"{now} GET /dsns/{DSN}\n"),
        by_proof(public_key, now, said=f"{now} GET {PATH}"),
        by_proof(public_key, now, said=f"{now} GET {PATH}\nmore"),
        by_proof(public_key, now, said=f"-{now} GET {PATH}\n"),
        by_proof(public_key, now, said="\xff"),
        by_proof(stranger, now),
        by_proof(public_key, now, path=f"/dsns/{OTHER}.json"),
        by_proof(public_key, now, path="/dsns/unknown.json"),
        by_proof(public_key, now, path="/ping"),
        by_proof(public_key, now, path="/devices/99999999999999999999/commands.json"),
        DeviceCredential(None, "AAAA", "GET", PATH),
        DeviceCredential(None, "no base64", "GET", PATH),
        DeviceCredential(None, "A" * 5000, "GET", PATH),
        DeviceCredential(None, None, "GET", PATH),
        by_key("x" * 32),
        by_key("x" * 5000),
    ]
    for credential in wrong:
        assert await refused(twins, credential), credential


async def test_a_proof_counts_once(twins: Twins, public_key: str) -> None:
    """Who has seen a proof go by gets no key for it, also when its time is almost over."""
    proof = by_proof(public_key, twins.clock.now_s())
    assert not await refused(twins, proof)
    for by_s in (0, WINDOW_S):
        twins.clock.turn(by_s)
        assert await refused(twins, proof)


async def test_a_proof_may_be_given_on_any_path_of_the_device(twins: Twins, public_key: str) -> None:
    """A device whose key was forgotten proves itself with whatever it does next."""
    key = (await twins.authentication.authenticate(by_proof(public_key, twins.clock.now_s()))).device.key
    for path in (f"/devices/{key}/commands.json", f"/devices/{key}.json", f"/dev/v1/dsns/{DSN}/batch_datapoints.json"):
        assert not await refused(twins, by_proof(public_key, twins.clock.now_s(), path=path))
