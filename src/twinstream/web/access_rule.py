"""Access rules: `/api/v1/oemAccessRules`, in any case (`web.outer`)."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.access_rule import AccessRuleService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.access_rule import AccessRuleReply, AccessRuleRequest, read_rule, show_rule
from twinstream.wire.body import read_id

_PATH = "/api/v1/oemAccessRules"


@post(_PATH, status_code=201, operation_class=describe_body(AccessRuleRequest), tags=["access rules"])
async def create_access_rule(
    request: Request[Any, Any, Any], user: Given[User], access_rules: Given[AccessRuleService]
) -> AccessRuleReply:
    """Let a role subscribe to something; for the OEM's administrator."""
    return show_rule(await access_rules.create(user, read_rule(await read_json(request))))


@get(_PATH, tags=["access rules"])
async def list_access_rules(user: Given[User], access_rules: Given[AccessRuleService]) -> list[AccessRuleReply]:
    """List the OEM's rules."""
    return [show_rule(rule) for rule in await access_rules.list(user)]


@get(f"{_PATH}/{{rule_id:str}}", tags=["access rules"])
async def get_access_rule(
    rule_id: FromPath[str], user: Given[User], access_rules: Given[AccessRuleService]
) -> AccessRuleReply:
    """Answer one of the OEM's rules."""
    return show_rule(await access_rules.get(user, read_id(rule_id)))


@delete(f"{_PATH}/{{rule_id:str}}", tags=["access rules"])
async def delete_access_rule(rule_id: FromPath[str], user: Given[User], access_rules: Given[AccessRuleService]) -> None:
    """Delete a rule; for the OEM's administrator. Subscriptions get nothing any more that only this rule granted."""
    await access_rules.delete(user, read_id(rule_id))


ROUTES = [create_access_rule, list_access_rules, get_access_rule, delete_access_rule]
