"""Access rules in SQLite: the table `access_rule`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twinstream.errors import RequestError
from twinstream.model.access_rule import AccessRule, RuleTerms
from twinstream.model.event import EventType
from twinstream.model.principal import Operator, User
from twinstream.model.selection import format_selection, parse_selection
from twinstream.model.subscription import ClientType
from twinstream.sqlite.repository import Repository, Row

_COLUMNS = "id, oem, role, client_type, subscription_type, oem_model, property_name, created_at, updated_at"


class AccessRules(Repository):
    """See `ports.access_rule.AccessRules`."""

    def add(self, user: User, terms: RuleTerms) -> AccessRule:
        """Add a rule to the user's OEM."""
        return self._add(user.oem, terms)

    def add_default(self, operator: Operator, oem: str, terms: RuleTerms) -> AccessRule:
        """Add a rule to an OEM."""
        return self._add(oem, terms)

    def find(self, user: User, rule_id: int) -> AccessRule | None:
        """Find a rule of the user's OEM."""
        rules = self._read("SELECT {} FROM access_rule WHERE id = ? AND oem = ?", (rule_id, user.oem))
        return rules[0] if rules else None

    def list_of_oem(self, user: User) -> Sequence[AccessRule]:
        """List the rules of the user's OEM."""
        return self._read("SELECT {} FROM access_rule WHERE oem = ? ORDER BY id", (user.oem,))

    def list_for(self, oem: str, role: str) -> Sequence[AccessRule]:
        """List the rules for a role."""
        return self._read("SELECT {} FROM access_rule WHERE oem = ? AND role = ? ORDER BY id", (oem, role))

    def remove(self, user: User, rule_id: int) -> AccessRule | None:
        """Delete a rule of the user's OEM."""
        rules = self._read("DELETE FROM access_rule WHERE id = ? AND oem = ? RETURNING {}", (rule_id, user.oem))
        return rules[0] if rules else None

    def _add(self, oem: str, terms: RuleTerms) -> AccessRule:
        if self._first("SELECT 1 FROM oem WHERE id = ?", (oem,)) is None:
            raise RequestError("not_found", "There is no such OEM.")
        return self._read(
            "INSERT INTO access_rule"
            " (oem, role, client_type, subscription_type, oem_model, property_name, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING {}",
            (
                oem,
                terms.role,
                terms.client_type,
                terms.subscription_type,
                format_selection(terms.oem_models),
                format_selection(terms.property_names),
                self._now_s,
                self._now_s,
            ),
        )[0]

    def _read(self, statement: str, values: tuple[Any, ...]) -> list[AccessRule]:
        return [_read_row(row) for row in self._run(statement.format(_COLUMNS), values)]


def _read_row(row: Row) -> AccessRule:
    rule_id, oem, role, client_type, subscription_type, oem_model, property_name, created_at, updated_at = row
    terms = RuleTerms(
        role,
        ClientType(client_type),
        EventType(subscription_type),
        parse_selection(oem_model, field="oem_model"),
        parse_selection(property_name, field="property_name"),
    )
    return AccessRule(rule_id, oem, terms, created_at, updated_at)
