"""The unit of work: every change of a twin and its event, in one transaction.

One writer exists. It takes commands in the order they were submitted, runs all that wait as one *group* in one
transaction (group commit, synchronous=FULL), and only after the commit answers them and lets the tail see their
events. So ``decide`` runs against the very state that it commits on.

Guarantees:

* Isolation of neighbours: a command that raises has changed nothing, and the others of its group go on.
* A failed COMMIT fails every command of its group (`RequestError` storage_full / storage_failed), and none of it was
  dispatched.
* Order: commands take effect in the order of `run` calls made on the event loop.
* An awaiting caller that is cancelled does not undo the command.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from twinstream.errors import RequestError
from twinstream.ports.access_rule import AccessRules
from twinstream.ports.application import Applications
from twinstream.ports.association import Associations
from twinstream.ports.command import Commands
from twinstream.ports.connection import Connections
from twinstream.ports.content import Contents
from twinstream.ports.datapoint import Datapoints
from twinstream.ports.datum import Data
from twinstream.ports.device import Devices
from twinstream.ports.device_role import DeviceRoles
from twinstream.ports.insight import Insights
from twinstream.ports.lan import LanKeys
from twinstream.ports.log import LogWriter
from twinstream.ports.node import Nodes
from twinstream.ports.oem import Oems
from twinstream.ports.property import Properties
from twinstream.ports.receipt import Receipts
from twinstream.ports.role import RoleLabels
from twinstream.ports.share import Shares
from twinstream.ports.subscription import Subscriptions
from twinstream.ports.template import Templates
from twinstream.ports.ticket import Tickets
from twinstream.ports.token import Tokens
from twinstream.ports.user import Users

C = TypeVar("C")
R = TypeVar("R")
T = TypeVar("T")
C_contra = TypeVar("C_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class View(Protocol):
    """The nouns, one repository each. In a query they must not write."""

    access_rules: AccessRules
    applications: Applications
    associations: Associations
    commands: Commands
    connections: Connections
    contents: Contents
    datapoints: Datapoints
    device_data: Data
    device_roles: DeviceRoles
    devices: Devices
    insights: Insights
    lan_keys: LanKeys
    nodes: Nodes
    oems: Oems
    properties: Properties
    receipts: Receipts
    role_labels: RoleLabels
    shares: Shares
    subscriptions: Subscriptions
    templates: Templates
    tickets: Tickets
    tokens: Tokens
    user_data: Data
    users: Users

    @property
    def now_s(self) -> float:
        """The calendar time of this unit of work, seconds since 1970; the same for all of one group."""


class UnitOfWork(View, Protocol):
    """What a command works on: the nouns, and the log. Valid only during the command; on the writer's thread only."""

    log: LogWriter


class Batch(Protocol[C_contra, R_co]):
    """A kind of command that is cheaper many at a time: set-based statements, a handful per group."""

    def __call__(self, work: UnitOfWork, commands: Sequence[C_contra]) -> Sequence[R_co | RequestError]:
        """Run the commands in order; answer one result or error per command.

        If it raises, all that it did is rolled back and it is called again with each command alone, so that only the
        culprits fail.
        """


class Store(Protocol):
    """The way to run commands and queries. Call on the event loop."""

    async def run(self, command: Callable[[Any], T]) -> T:
        """Run a command in a unit of work (see the module) and answer what it returned, once it is durable."""

    async def run_batched(self, kind: Batch[C, R], command: C, weight: int = 1) -> R:
        """Run a command together with its neighbours of the same kind (compared by identity).

        ``weight`` is how many usual commands it costs as much as: a group takes so many fewer.

        Raises:
            RequestError: the one that the kind answered for this command.
        """

    async def query(self, question: Callable[[Any], T]) -> T:
        """Run a read-only question on a snapshot of what is durable, on a reading thread. Reads must not write."""
