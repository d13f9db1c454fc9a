"""All parts of a server, made in the order in which they need each other.

The only module that knows concrete classes; `server` starts and stops what it makes. Knows no signal and no socket.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
import structlog

from twinstream.errors import RequestError
from twinstream.model.oem import Retention
from twinstream.model.subscription import Gap
from twinstream.outbound.identity import HttpIdentityProviders
from twinstream.outbound.mail import ConsoleMailer, SmtpMailer, SmtpServer
from twinstream.ports.clock import Clock
from twinstream.ports.mail import Mailer
from twinstream.ports.work import UnitOfWork
from twinstream.process import Jobs, Stop, raise_file_limit
from twinstream.service.access_rule import AccessRuleService
from twinstream.service.account import AccountService
from twinstream.service.admin import AdminService
from twinstream.service.association import AssociationService
from twinstream.service.authentication import DeviceAuthentication
from twinstream.service.candidate import CandidateService
from twinstream.service.command import CommandService, Deliveries
from twinstream.service.connection import ConnectionService
from twinstream.service.content import ContentService
from twinstream.service.control import ControlService
from twinstream.service.datapoint import DatapointService
from twinstream.service.datum import DatumService
from twinstream.service.device import DeviceService
from twinstream.service.device_role import DeviceRoleService
from twinstream.service.fault import FaultService
from twinstream.service.insight import InsightService
from twinstream.service.lan import LanService
from twinstream.service.location import LocationService
from twinstream.service.lockout import Lockout
from twinstream.service.node import NodeService
from twinstream.service.numbering import Numbering
from twinstream.service.outbox import Outbox
from twinstream.service.password import Passwords
from twinstream.service.postal import PostalService
from twinstream.service.presence import PresenceService
from twinstream.service.property import PropertyService
from twinstream.service.registration import RegistrationService
from twinstream.service.role import RoleService
from twinstream.service.share import ShareService
from twinstream.service.sso import SsoService
from twinstream.service.subscription import SubscriptionService
from twinstream.service.template import TemplateService
from twinstream.service.time_zone import TimeZoneService
from twinstream.service.token import TokenCache
from twinstream.service.user import UserService
from twinstream.settings import Settings
from twinstream.sqlite.blob import FolderBlobs
from twinstream.sqlite.seal import KeyFileSealer
from twinstream.sqlite.store import SqliteStore
from twinstream.sqlite.trim import Trimmer
from twinstream.stream.hub import Hub
from twinstream.stream.limits import StreamLimits
from twinstream.system import SystemClock, SystemIds
from twinstream.web.address import Addresses
from twinstream.web.app import create_app
from twinstream.web.body import BodyLimits
from twinstream.web.fault_board import FaultBoard
from twinstream.web.front import FrontLimits
from twinstream.web.health import Gauges, Health
from twinstream.web.listener import HttpServer
from twinstream.web.outer import App, RequestIds
from twinstream.web.shell import Shell

LOW_DISK_BYTES = 64 * 1024 * 1024
"""Below this the server says that it is not ready; it stores as long as it can."""

PRESENCE_TICK_S = 1.0

FILES_OF_OURS = 256
"""Descriptors kept for the database, logs and the like; the others may be connections."""

_log = structlog.get_logger(__name__)


class Parts:
    """All parts of a server, made in the order in which they need each other.

    ``clock`` and ``mailer`` stand in for the machine's clock and the settings' mail server.
    """

    def __init__(
        self, settings: Settings, stop: Stop, *, clock: Clock | None = None, mailer: Mailer | None = None
    ) -> None:
        self.clock = clock = clock or SystemClock()
        self._settings = settings
        self._stop = stop
        self.ids = ids = SystemIds()
        self.operator_token = ids.secret()
        self.store = store = SqliteStore.open(settings.data, clock, stop.on_fatal)
        self._max_connections = min(settings.max_connections, raise_file_limit() - FILES_OF_OURS)
        self._request_ids = RequestIds(ids)
        self._answers: Counter[int] = Counter()
        self._addresses = Addresses(settings.trusted_proxies)
        passwords, cache = Passwords(), TokenCache()
        self.hub = Hub(store.log.head, _stream_limits(settings))
        self._numbering = Numbering(store, store.log)
        self._users = UserService(
            store,
            clock,
            ids,
            passwords,
            Lockout(clock),
            cache,
            lifetime_s=settings.token_lifetime_s,
            idle_s=settings.refresh_idle_s,
        )
        self.admin = AdminService(store, ids, passwords, cache)
        self.outbox = Outbox(mailer or _make_mailer(settings))
        self._sealer = sealer = KeyFileSealer.open(settings.data)
        self._deliveries = Deliveries()
        self._presence = PresenceService(store, clock, timeout_s=settings.presence_timeout_s)
        self._authentication = DeviceAuthentication(store, clock, ids, sealer, self._presence)
        self.devices = DeviceService(store, ids, sealer, self._presence)
        self.templates = TemplateService(store)
        blobs = FolderBlobs(settings.data)
        self._contents = ContentService(store, clock, sealer, blobs, self._deliveries)
        self._datapoints = DatapointService(
            store, clock, ids, self._deliveries, blobs, keep_s=settings.datapoint_retention_s
        )
        self._commands = CommandService(store, self._deliveries)
        self._registrations = RegistrationService(store, self._deliveries, Lockout(clock))
        self._accounts = AccountService(
            store,
            ids,
            passwords,
            cache,
            self._users,
            self.outbox,
            self._registrations,
            Lockout(clock),
            confirm_email=settings.confirm_email,
        )
        self._roles = RoleService(store, cache, self._accounts)
        self._subscriptions = SubscriptionService(
            store,
            clock,
            ids,
            sealer,
            lambda subscription_id: bool(self.hub.sessions_of(subscription_id)),
            strict_security=settings.strict_security,
            mobile_expiry_s=settings.mobile_expiry_s,
            created_per_minute=settings.subscriptions_per_minute,
            wrong_keys_per_minute=settings.wrong_keys_per_minute,
        )
        self.shell = Shell(self.hub, store.log, self._subscriptions, self._numbering, settings, clock, self._addresses)
        self.faults = FaultBoard(self.shell, clock) if settings.allow_faults else None
        store.log.follow(self.shell.dispatch)
        retention = Retention(settings.retention_age_s, settings.retention_size_bytes)
        self._trimmer = Trimmer(store, clock, retention)
        self._insights = InsightService(
            store, store.log, clock, self._numbering, retention, self.hub.find_cursor, self.hub.find_acknowledged
        )

    async def prepare(self) -> None:
        """Read what must be known before anybody is served."""
        await self._presence.start()
        await self._commands.start()

    @cached_property
    def services(self) -> Mapping[str, Any]:
        """What handlers ask for, by name."""
        settings = self._settings
        return {
            "users": self._users,
            "shares": ShareService(self.store, self.outbox),
            "subscriptions": self._subscriptions,
            "numbering": self._numbering,
            "faults": FaultService(self.store, self.faults),
            "access_rules": AccessRuleService(self.store),
            "admin": self.admin,
            "keys": self._subscriptions,
            "shell": self.shell,
            "devices": self.devices,
            "metadata": DatumService(self.store),
            "device_authentication": self._authentication,
            "properties": PropertyService(self.store, keep_s=settings.datapoint_retention_s),
            "datapoints": self._datapoints,
            "commands": self._commands,
            "locations": LocationService(self.store),
            "registrations": self._registrations,
            "accounts": self._accounts,
            "roles": self._roles,
            "associations": AssociationService(self.store, self._accounts),
            "sso": SsoService(
                self.store,
                self.clock,
                self.ids,
                self._sealer,
                HttpIdentityProviders(self.clock),
                self._users,
                self._accounts,
            ),
            "candidates": CandidateService(self.store),
            "connections": ConnectionService(self.store),
            "nodes": NodeService(self.store, self.ids),
            "time_zones": TimeZoneService(self.store, self.clock),
            "device_roles": DeviceRoleService(self.store),
            "postals": PostalService(self.store),
            "controls": ControlService(self.store, self._deliveries),
            "hub": self.hub,
            "insights": self._insights,
            "lans": LanService(self.store, self.ids, self._sealer),
            "presence": self._presence,
            "templates": self.templates,
            "contents": self._contents,
            "clock": self.clock,
            "health": Health(self.shell, self._answers, self._why_not_ready, self._gauges(), self.faults),
        }

    def make_app(self) -> App:
        """Join everything that answers requests."""
        settings = self._settings
        return create_app(
            self.services,
            request_ids=self._request_ids,
            addresses=self._addresses,
            operator_token=self.operator_token,
            body_limits=BodyLimits(settings.body_limit_bytes, settings.body_timeout_s),
            allowed_origins=settings.allowed_origins,
            answers=self._answers,
        )

    def make_http(self, app: App | None = None) -> HttpServer:
        """Put the application, by default a new one, behind a server."""
        settings = self._settings
        limits = FrontLimits(
            header_timeout_s=settings.header_timeout_s,
            slow_reader_timeout_s=settings.slow_reader_timeout_s,
            max_connections=self._max_connections,
        )
        return HttpServer(
            app or self.make_app(),
            self.shell,
            self._request_ids,
            limits,
            tls_cert=settings.tls_cert,
            tls_key=settings.tls_key,
        )

    def start_jobs(self, jobs: Jobs) -> None:
        """Start everything that happens without being asked for."""
        jobs.start(self.outbox.run, "mail")
        for interval_s, job, name in self.list_rounds():
            jobs.every(interval_s, job, name)

    def list_rounds(self) -> Sequence[tuple[float, Callable[[], Awaitable[Any]], str]]:
        """List what happens again and again: how many seconds after the last time, what, and its name."""
        return (
            (self._settings.ack_flush_s, self.store_cursors, "store cursors"),
            (PRESENCE_TICK_S, self._presence.tick, "presence"),
            (3600.0, self._datapoints.purge, "purge datapoints"),
            (3600.0, self._contents.sweep, "delete files"),
            (self._settings.retention_interval_s, self._trimmer.run, "trim"),
            (60.0, self._subscriptions.expire, "expire subscriptions"),
            (600.0, self._users.expire, "expire tokens"),
            (600.0, self._accounts.expire, "expire accounts"),
        )

    async def flush(self) -> None:
        """Store what is only in memory: the last thing before the store closes."""
        await self._presence.close()
        for part in (self.store_cursors, self._subscriptions.flush):
            try:
                await part()
            except RequestError as error:
                _log.warning("not stored at shutdown", code=error.code)

    async def store_cursors(self) -> None:
        """Store acknowledgements, bookmarks and gaps. What cannot be stored is offered again."""
        hub = self.hub
        gaps = hub.take_gaps()
        try:
            await self._subscriptions.record_gaps([Gap(*msgspec.structs.astuple(gap)) for gap in gaps])
        except RequestError:
            hub.return_gaps(gaps)
            raise
        for gap in gaps:
            _log.warning("gap", **msgspec.structs.asdict(gap))
        acknowledgements, bookmarks = hub.take_acknowledgements(), hub.take_bookmarks()
        if not acknowledgements and not bookmarks:
            return

        def store(work: UnitOfWork) -> None:
            work.log.store_bookmarks(bookmarks)
            work.log.store_acknowledgements(acknowledgements)

        try:
            await self.store.run(store)
        except RequestError:
            for subscription_id, cursor in acknowledgements:
                hub.report_acknowledgement(subscription_id, cursor)
            raise

    def _why_not_ready(self) -> RequestError | None:
        if self.shell.draining:
            return RequestError("shutting_down")
        if self._stop.exit_code:
            return RequestError("storage_failed")
        if shutil.disk_usage(self._settings.data).free < LOW_DISK_BYTES:
            return RequestError("storage_full")
        return None

    def _gauges(self) -> Gauges:
        return {
            "writer_pending": ("Commands that wait for the writer", lambda: self.store.pending),
            "devices_online": ("Devices that are Online", lambda: self._presence.online),
            "log_head": ("Highest position of the log", lambda: self.store.log.head),
        }


def _make_mailer(settings: Settings) -> Mailer:
    if settings.smtp_host is None:
        return ConsoleMailer()
    return SmtpMailer(
        SmtpServer(
            settings.smtp_host,
            settings.smtp_port,
            settings.mail_from,
            settings.smtp_security,
            settings.smtp_username,
            settings.smtp_password,
        )
    )


def _stream_limits(settings: Settings) -> StreamLimits:
    return StreamLimits(
        heartbeat_interval_s=settings.heartbeat_interval_s,
        inbound_timeout_s=settings.inbound_timeout_s,
        heartbeat_misses=settings.heartbeat_misses,
        slow_reader_timeout_s=settings.slow_reader_timeout_s,
        sessions_per_subscription=settings.sessions_per_key,
        replaceable_after_s=settings.replace_silent_s,
    )
