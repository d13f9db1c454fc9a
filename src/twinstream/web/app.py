"""The HTTP application: the nouns' routes, and what they share.

Owns the joining of routes, dependencies and error answers; what a route does is the noun's business. Every noun's
module in `web/` exports ``ROUTES``, a list of Litestar handlers, and is listed in `ROUTES` here. A handler gets
services, ``user`` and ``device`` by the names of its parameters (`web.authentication.Given`), reads its body with
`web.body`, and raises `RequestError`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from twinstream.web import (
    access_rule,
    account,
    admin,
    agent,
    association,
    command,
    connection,
    contact,
    content,
    control,
    datapoint,
    datum,
    device,
    device_role,
    fault,
    group,
    health,
    history,
    insight,
    lan,
    link,
    location,
    node,
    notification,
    page,
    postal,
    property,
    registration,
    role,
    schedule,
    share,
    sso,
    stream,
    subscription,
    template,
    time_zone,
    token,
    trigger,
    user,
)
from twinstream.web.address import Addresses
from twinstream.web.authentication import provide_administrator, provide_device, provide_operator, provide_user
from twinstream.web.body import BodyLimits
from twinstream.web.error import EXCEPTION_HANDLERS
from twinstream.web.hot import HotRoutes
from twinstream.web.outer import App, Outer, RequestIds

ROUTES: Sequence[ControllerRouterHandler] = [
    *health.ROUTES,
    *stream.ROUTES,
    *user.ROUTES,
    *account.ROUTES,
    *token.ROUTES,
    *sso.ROUTES,
    *subscription.ROUTES,
    *fault.ROUTES,
    *insight.ROUTES,
    *access_rule.ROUTES,
    *share.ROUTES,
    *contact.ROUTES,
    *link.ROUTES,
    *role.ROUTES,
    *association.ROUTES,
    *device.ROUTES,
    *device_role.ROUTES,
    *datum.ROUTES,
    *connection.ROUTES,
    *control.ROUTES,
    *postal.ROUTES,
    *time_zone.ROUTES,
    *node.ROUTES,
    *group.ROUTES,
    *lan.ROUTES,
    *notification.ROUTES,
    *schedule.ROUTES,
    *trigger.ROUTES,
    *registration.ROUTES,
    *property.ROUTES,
    *datapoint.ROUTES,
    *content.ROUTES,
    *history.ROUTES,
    *command.ROUTES,
    *location.ROUTES,
    *admin.ROUTES,
    *template.ROUTES,
    *agent.ROUTES,
]
"""The routes of all nouns."""


def create_app(
    services: Mapping[str, Any],
    *,
    request_ids: RequestIds,
    addresses: Addresses,
    operator_token: str,
    routes: Sequence[ControllerRouterHandler] | None = None,
    body_limits: BodyLimits | None = None,
    allowed_origins: tuple[str, ...] = (),
    answers: Counter[int] | None = None,
) -> App:
    """Make the ASGI application.

    Args:
        services: by the name under which handlers ask for them; ``users`` and ``devices`` authenticate.
        request_ids: to name requests by.
        addresses: to find clients' addresses by.
        operator_token: what `twinstream admin` shows, from this machine, to be the operator.
        routes: instead of those of all nouns.
        body_limits: for `web.body`.
        allowed_origins: web origins that may read answers; empty: any.
        answers: counts the answers by status.
    """
    limits = body_limits or BodyLimits()
    app = Litestar.from_config(
        AppConfig(
            route_handlers=[*(ROUTES if routes is None else routes), *page.ROUTES],
            dependencies={
                "user": Provide(provide_user),
                "device": Provide(provide_device),
                "operator": Provide(provide_operator),
                "administrator": Provide(provide_administrator),
                **{name: _provide(service) for name, service in services.items()},
            },
            exception_handlers=EXCEPTION_HANDLERS,  # type: ignore[arg-type]
            state=State({"addresses": addresses, "body_limits": limits, "operator_token": operator_token}),
            request_max_body_size=None,  # web.body has its own limit
            openapi_config=None,  # web.page serves what web.reference makes of the routes
            logging_config=None,
        )
    )
    inner = cast(App, app)
    if "datapoints" in services:
        inner = HotRoutes(inner, services, limits)
    return Outer(
        inner,
        allowed_origins=allowed_origins,
        request_ids=request_ids,
        addresses=addresses,
        answers=Counter() if answers is None else answers,
    )


def _provide(service: Any) -> Provide:
    def provide() -> Any:
        return service

    return Provide(provide, sync_to_thread=False)
