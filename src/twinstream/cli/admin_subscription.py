"""`twinstream admin subscription`: who reads what, and stopping it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from cyclopts import App, Parameter

from twinstream.cli.admin_oem import Oem, list_of_oem
from twinstream.cli.admin_table import Reply, show, show_all
from twinstream.cli.operator import HERE, Target

COLUMNS = (
    "id",
    "name",
    "client_type",
    "subscription_type",
    "dsn",
    "oem_model",
    "property_name",
    "connection_status",
    "is_suspended",
    "user_uuid",
)

SubscriptionId = Annotated[str, Parameter(name="ID", help="Id of the subscription.")]

LIST_EXAMPLES = """\
Examples:

  twinstream admin subscription list 0dfc7900"""

SUSPEND_EXAMPLES = """\
Examples:

  twinstream admin subscription suspend 12"""

RESUME_EXAMPLES = """\
Examples:

  twinstream admin subscription resume 12"""


def list_subscriptions(oem: Oem, /, *, target: Target = HERE) -> None:
    """List an OEM's subscriptions, without their keys."""
    show_all([_unwrap(reply) for reply in list_of_oem(target, oem, "subscriptions")], COLUMNS, json=target.json)


def suspend(subscription_id: SubscriptionId, /, *, target: Target = HERE) -> None:
    """Close a subscription's sockets and refuse new ones; its numbers go on."""
    _change(subscription_id, "suspend", target)


def resume(subscription_id: SubscriptionId, /, *, target: Target = HERE) -> None:
    """Let sockets of a suspended subscription in again; nothing was lost."""
    _change(subscription_id, "resume", target)


def make_app() -> App:
    """Make the group."""
    app = App(name="subscription", help="Subscriptions: list, suspend, resume.", help_epilogue=LIST_EXAMPLES)
    app.command(list_subscriptions, name="list", help_epilogue=LIST_EXAMPLES)
    app.command(suspend, help_epilogue=SUSPEND_EXAMPLES)
    app.command(resume, help_epilogue=RESUME_EXAMPLES)
    return app


def _change(subscription_id: str, verb: str, target: Target) -> None:
    path = f"/admin/v1/subscriptions/{quote(subscription_id, safe='')}/{verb}"
    missing = f"There is no subscription {subscription_id}; this lists them: twinstream admin subscription list OEM"
    reply = target.call("POST", path, missing=missing)
    show(_unwrap(reply), COLUMNS, json=target.json)


def _unwrap(reply: Reply) -> Reply:
    """Take the subscription out of the wrapper of the compatible API; what `admin` prints is flat everywhere."""
    subscription: Reply = reply["subscription"]
    return subscription
