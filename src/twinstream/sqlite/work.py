"""What commands and queries work on: one repository per noun, all on one connection and at one time.

Owns the list of nouns. A repository is a class ``(connection, now_s)`` in ``sqlite/<noun>.py``; it serves both: in
the writer's unit of work and, for reads, on a reading connection. Invariant: a repository keeps no state of its own
between two units of work, since a command may be rolled back.
"""

from __future__ import annotations

import apsw

from twinstream.ports import (
    access_rule,
    application,
    association,
    command,
    content,
    datapoint,
    datum,
    device,
    device_role,
    insight,
    lan,
    node,
    oem,
    property,
    receipt,
    role,
    share,
    subscription,
    template,
    ticket,
    token,
    user,
)
from twinstream.ports import connection as connections
from twinstream.ports.log import LogWriter
from twinstream.sqlite.access_rule import AccessRules
from twinstream.sqlite.application import Applications
from twinstream.sqlite.association import Associations
from twinstream.sqlite.command import Commands
from twinstream.sqlite.connection import Connections
from twinstream.sqlite.content import Contents
from twinstream.sqlite.datapoint import Datapoints
from twinstream.sqlite.datum import DeviceData, UserData
from twinstream.sqlite.device import Devices
from twinstream.sqlite.device_role import DeviceRoles
from twinstream.sqlite.insight import Insights
from twinstream.sqlite.lan import LanKeys
from twinstream.sqlite.node import Nodes
from twinstream.sqlite.oem import Oems
from twinstream.sqlite.property import Properties
from twinstream.sqlite.receipt import Receipts
from twinstream.sqlite.role import RoleLabels
from twinstream.sqlite.share import Shares
from twinstream.sqlite.slice import Slices
from twinstream.sqlite.subscription import Subscriptions
from twinstream.sqlite.template import Templates
from twinstream.sqlite.ticket import Tickets
from twinstream.sqlite.token import Tokens
from twinstream.sqlite.user import Users


class View:
    """Read-only access to every noun on one snapshot, for `ports.work.Store.query`.

    ``now_s`` is the calendar time of the question, seconds since 1970.
    """

    def __init__(self, connection: apsw.Connection, now_s: float) -> None:
        self.now_s = now_s
        self.connection = connection
        # One line per noun, declared as the port, so that the type checker compares the two.
        self.access_rules: access_rule.AccessRules = AccessRules(connection, now_s)
        self.applications: application.Applications = Applications(connection, now_s)
        self.associations: association.Associations = Associations(connection, now_s)
        self.commands: command.Commands = Commands(connection, now_s)
        self.connections: connections.Connections = Connections(connection, now_s)
        self.contents: content.Contents = Contents(connection, now_s)
        self.datapoints: datapoint.Datapoints = Datapoints(connection, now_s)
        self.device_data: datum.Data = DeviceData(connection, now_s)
        self.device_roles: device_role.DeviceRoles = DeviceRoles(connection, now_s)
        self.devices: device.Devices = Devices(connection, now_s)
        self.insights: insight.Insights = Insights(connection, now_s)
        self.lan_keys: lan.LanKeys = LanKeys(connection, now_s)
        self.nodes: node.Nodes = Nodes(connection, now_s)
        self.oems: oem.Oems = Oems(connection, now_s)
        self.properties: property.Properties = Properties(connection, now_s)
        self.receipts: receipt.Receipts = Receipts(connection, now_s)
        self.role_labels: role.RoleLabels = RoleLabels(connection, now_s)
        self.shares: share.Shares = Shares(connection, now_s)
        self.slices = Slices(connection, now_s)  # retention's own, behind no port
        self.subscriptions: subscription.Subscriptions = Subscriptions(connection, now_s)
        self.templates: template.Templates = Templates(connection, now_s)
        self.tickets: ticket.Tickets = Tickets(connection, now_s)
        self.tokens: token.Tokens = Tokens(connection, now_s)
        self.user_data: datum.Data = UserData(connection, now_s)
        self.users: user.Users = Users(connection, now_s)


class Work(View):
    """The unit of work (`ports.work.UnitOfWork`): the same nouns, writable, and the log."""

    def __init__(self, connection: apsw.Connection, now_s: float, log: LogWriter) -> None:
        super().__init__(connection, now_s)
        self.log = log
