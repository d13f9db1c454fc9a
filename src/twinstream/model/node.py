"""Nodes: devices without a connection of their own, behind a gateway that speaks for them.

Owns what a gateway says of a node. Invariant: a node has one gateway at a time, and no credential.
"""

from __future__ import annotations

import msgspec

from twinstream.model.device import NodeType

MOST_NODES = 1000
"""Addresses that a gateway may ever have told."""


class NodeReport(msgspec.Struct, frozen=True):
    """What a gateway says of a node: its address there, and attributes of `Device` by name."""

    address: str
    oem_model: str
    node_type: NodeType
    attributes: dict[str, str]
