"""Nodes: what gateways do for them, and what users see of them.

Invariants: a gateway speaks only for itself and for the nodes that are behind it; a node that leaves loses its owner,
and has its DSN again when it comes back under its old address.
"""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.errors import RequestError
from twinstream.model.check import invalid
from twinstream.model.device import ConnectionStatus, Device, DeviceRef, RegistrationType, Sight
from twinstream.model.node import MOST_NODES, NodeReport
from twinstream.model.principal import Device as DevicePrincipal
from twinstream.model.principal import User
from twinstream.ports.device import NewDevice
from twinstream.ports.ids import NewId
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.presence import tell_connectivity
from twinstream.service.registration import forget_owner
from twinstream.service.sight import require_sight
from twinstream.service.template import shape_twin

DSN_PREFIX = "VR00ZN"
"""How the DSN of a node begins, and how long the rest is. Source: ayla-facts 4.3."""

DSN_REST = 9


class NodeService:
    """Use cases of gateways, and of users who look at their nodes."""

    def __init__(self, store: Store, new_id: NewId) -> None:
        self._store = store
        self._new_id = new_id

    async def add(self, gateway: DevicePrincipal, report: NodeReport) -> Device:
        """Make a node behind the gateway, or find the one with this address again. Making it activates it.

        Its twin gets what its template has and it lacks.

        Raises:
            RequestError: ``invalid`` for an address too many, or another model than before at this one.
        """

        def store(work: UnitOfWork) -> Device:
            key = work.nodes.find(gateway.key, report.address)
            if key is None:
                key = self._make(work, gateway, report)
            node = work.devices.find(key)
            if node is None or node.oem_model != report.oem_model:
                raise invalid("oem_model", "is not that of the node with this address")
            work.devices.change(key, gateway_key=gateway.key, **_describe(report))
            shape_twin(work, work.devices.find(key) or node)
            return work.devices.find(key) or node

        return await self._store.run(store)

    async def update(self, gateway: DevicePrincipal, dsn: str, report: NodeReport) -> None:
        """Store what the gateway says of a node, but for its address and model. Raises RequestError ``not_found``."""

        def store(work: UnitOfWork) -> None:
            work.devices.change(_require_node(work, gateway, dsn).key, **report.attributes)

        await self._store.run(store)

    async def remove(self, gateway: DevicePrincipal, dsn: str) -> None:
        """Take a node from behind its gateway, and from its owner. Raises RequestError ``not_found``."""

        def store(work: UnitOfWork) -> None:
            _leave(work, _require_node(work, gateway, dsn))

        await self._store.run(store)

    async def remove_all(self, gateway: DevicePrincipal) -> None:
        """Take all nodes from behind a gateway that has forgotten them."""

        def store(work: UnitOfWork) -> None:
            for node in work.devices.list_nodes(gateway.key):
                _leave(work, node)

        await self._store.run(store)

    async def connect(self, gateway: DevicePrincipal, dsn: str, status: ConnectionStatus) -> None:
        """Take from a gateway whether it reaches a node; a change is told. Raises RequestError ``not_found``."""

        def store(work: UnitOfWork) -> None:
            node = _require_node(work, gateway, dsn)
            if node.connection_status is status:
                return
            came = {"connected_at": work.now_s} if status is ConnectionStatus.ONLINE else {}
            work.devices.change(node.key, connection_status=status, **came)
            tell_connectivity(work, [node.key], status)

        await self._store.run(store)

    async def find_own(self, device: DevicePrincipal, dsn: str) -> DevicePrincipal:
        """Answer for whom a device speaks under a DSN: itself or a node behind it. Raises ``not_found``."""
        if dsn == device.dsn:
            return device

        def find(view: View) -> DevicePrincipal:
            node = _require_node(view, device, dsn)
            return DevicePrincipal(node.key, node.dsn, node.oem, node.oem_model)

        return await self._store.query(find)

    async def list_registered(self, user: User, gateway: DeviceRef) -> Sequence[Sight]:
        """List the nodes behind a gateway that the user may see, by key. Raises RequestError ``not_found``."""

        def read(view: View) -> list[Sight]:
            key = require_sight(view, user, gateway).device.key
            return [sight for sight in view.devices.list_visible(user) if sight.device.gateway_key == key]

        return await self._store.query(read)

    def _make(self, work: UnitOfWork, gateway: DevicePrincipal, report: NodeReport) -> int:
        if work.nodes.count(gateway.key) >= MOST_NODES:
            raise invalid("address", f"is one too many: a gateway has at most {MOST_NODES}")
        dsn = DSN_PREFIX + self._new_id.code(DSN_REST).upper()
        key = work.devices.add(
            NewDevice(
                dsn=dsn,
                oem=gateway.oem,
                oem_model=report.oem_model,
                model="",
                product_name=dsn,
                registration_type=RegistrationType.NODE,
            )
        )
        work.nodes.add(gateway.key, report.address, key)
        work.devices.change(key, device_type="Node", activated_at=work.now_s)
        work.devices.change(gateway.key, device_type="Gateway")
        return key


def _describe(report: NodeReport) -> dict[str, object]:
    return {"address": report.address, "node_type": report.node_type, **report.attributes}


def _require_node(view: View, gateway: DevicePrincipal, dsn: str) -> Device:
    node = view.devices.find(dsn)
    if node is None or node.gateway_key != gateway.key:
        raise RequestError("not_found")
    return node


def _leave(work: UnitOfWork, node: Device) -> None:
    if node.user_uuid is not None:
        forget_owner(work, node)
    work.devices.change(node.key, gateway_key=None, connection_status=ConnectionStatus.OFFLINE)
