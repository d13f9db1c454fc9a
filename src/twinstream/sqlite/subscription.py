"""Subscriptions in SQLite: the tables `subscription` and `gap`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from twinstream.model.event import EventType
from twinstream.model.principal import Operator, User
from twinstream.model.selection import format_selection, parse_selection
from twinstream.model.subscription import ClientType, Gap, StartFrom, Subscription, Terms
from twinstream.ports.subscription import GapRecord
from twinstream.sqlite.repository import Repository, Row

GAPS_KEPT = 1000
"""Gaps that are kept of one subscription."""

_TERMS = (
    "name",
    "description",
    "dsn",
    "oem_model",
    "property_name",
    "client_type",
    "subscription_type",
    "batch_size",
    "start_from",
)
_OTHERS = (
    "id",
    "oem",
    "user_uuid",
    "role",
    "suspended_at",
    "suspended_by_operator",
    "key_sealed",
    "created_at",
    "updated_at",
    "last_seen_at",
)
_COLUMNS = ", ".join(_TERMS + _OTHERS)


class Subscriptions(Repository):
    """See `ports.subscription.Subscriptions`."""

    def add(self, owner: User, terms: Terms, key_hash: str, key_sealed: str | None) -> Subscription:
        """Add a subscription."""
        values = {
            **_term_values(terms),
            "oem": owner.oem,
            "user_uuid": owner.uuid,
            "role": owner.role,
            "key_hash": key_hash,
            "key_sealed": key_sealed,
            **dict.fromkeys(("created_at", "updated_at", "last_seen_at"), self._now_s),
        }
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        return self._read(f"INSERT INTO subscription ({names}) VALUES ({places}) RETURNING {_COLUMNS}", values)[0]

    def find(self, owner: User, subscription_id: int) -> Subscription | None:
        """Find one of the owner's."""
        return self._read_one("SELECT {} FROM subscription WHERE id = :id AND {}", owner, subscription_id)

    def list_of_owner(self, owner: User) -> Sequence[Subscription]:
        """List the owner's."""
        values = {"user_uuid": owner.uuid, "oem": owner.oem}  # the plus: an OEM has many more than a user
        return self._read(
            f"SELECT {_COLUMNS} FROM subscription WHERE user_uuid = :user_uuid AND +oem = :oem ORDER BY id", values
        )

    def amend(self, owner: User, subscription_id: int, terms: Terms) -> Subscription | None:
        """Replace the terms of one of the owner's."""
        values = {**_term_values(terms), "updated_at": self._now_s}
        assignments = ", ".join(f"{name} = :{name}" for name in values)
        statement = f"UPDATE subscription SET {assignments} WHERE id = :id AND {{1}} RETURNING {{0}}"
        return self._read_one(statement, owner, subscription_id, values)

    def remove(self, owner: User, subscription_id: int) -> bool:
        """Delete one of the owner's."""
        removed = self._read_one(
            "DELETE FROM subscription WHERE id = :id AND {1} RETURNING {0}", owner, subscription_id
        )
        if removed is not None:
            self._run("DELETE FROM gap WHERE subscription_id = ?", (subscription_id,))
        return removed is not None

    def list_gaps(self, owner: User, subscription_id: int) -> Sequence[GapRecord] | None:
        """List the gaps of one of the owner's."""
        if self.find(owner, subscription_id) is None:
            return None
        rows = self._run(
            "SELECT from_seq, through_seq, at FROM gap WHERE subscription_id = ? ORDER BY id", (subscription_id,)
        )
        return [GapRecord(*row) for row in rows]

    def find_by_key(self, key_hash: str) -> Subscription | None:
        """Find what a key opens."""
        found = self._read(f"SELECT {_COLUMNS} FROM subscription WHERE key_hash = :key_hash", {"key_hash": key_hash})
        return found[0] if found else None

    def list_under_rules(self, oem: str, role: str) -> Sequence[Subscription]:
        """List those that access rules bear on."""
        return self._read(
            f"SELECT {_COLUMNS} FROM subscription WHERE oem = :oem AND role = :role AND client_type <> 'mobile'"
            " ORDER BY id",
            {"oem": oem, "role": role},
        )

    def find_any(self, operator: Operator, subscription_id: int) -> Subscription | None:
        """Find one, whosever it is."""
        found = self._read(f"SELECT {_COLUMNS} FROM subscription WHERE id = :id", {"id": subscription_id})
        return found[0] if found else None

    def list_of_user(self, operator: Operator, uuid: str) -> Sequence[Subscription]:
        """List a user's."""
        return self._read(f"SELECT {_COLUMNS} FROM subscription WHERE user_uuid = :uuid ORDER BY id", {"uuid": uuid})

    def list_of_oem(self, operator: Operator, oem: str) -> Sequence[Subscription]:
        """List an OEM's."""
        return self._read(f"SELECT {_COLUMNS} FROM subscription WHERE oem = :oem ORDER BY id", {"oem": oem})

    def set_role(self, operator: Operator, uuid: str, role: str) -> Sequence[Subscription]:
        """Put a user's under another role."""
        return self._read(
            f"UPDATE subscription SET role = :role WHERE user_uuid = :uuid RETURNING {_COLUMNS}",
            {"uuid": uuid, "role": role},
        )

    def set_suspended(self, principal: User | Operator, subscription_id: int, suspended: bool) -> Subscription | None:
        """Suspend or resume one."""
        owner = {"user_uuid": principal.uuid, "oem": principal.oem} if isinstance(principal, User) else {}
        found = self._read(
            "UPDATE subscription SET updated_at = :now_s,"
            " suspended_at = CASE WHEN :suspended THEN coalesce(suspended_at, :now_s) END,"
            " suspended_by_operator = :suspended AND (suspended_by_operator OR :by_operator)"
            f" WHERE id = :id {'AND user_uuid = :user_uuid AND oem = :oem' if owner else ''} RETURNING {_COLUMNS}",
            {
                "suspended": int(suspended),
                "by_operator": int(not owner),
                "now_s": self._now_s,
                "id": subscription_id,
                **owner,
            },
        )
        return found[0] if found else None

    def remove_all(self, operator: Operator, subscription_ids: Sequence[int]) -> None:
        """Delete these."""
        ids = json.dumps(list(subscription_ids))
        self._run("DELETE FROM gap WHERE subscription_id IN (SELECT value FROM json_each(?))", (ids,))
        self._run("DELETE FROM subscription WHERE id IN (SELECT value FROM json_each(?))", (ids,))

    def see(self, operator: Operator, seen: Sequence[tuple[int, float]]) -> None:
        """Remember when sockets were last open."""
        self._run(
            "UPDATE subscription SET last_seen_at = seen.value ->> 1 FROM json_each(?) AS seen"
            " WHERE subscription.id = seen.value ->> 0 AND last_seen_at < seen.value ->> 1",
            (json.dumps(list(seen)),),
        )

    def list_unseen(self, operator: Operator, before_s: float, limit: int) -> Sequence[Subscription]:
        """List mobile ones not seen lately."""
        return self._read(
            f"SELECT {_COLUMNS} FROM subscription WHERE client_type = 'mobile' AND last_seen_at < :before_s"
            " ORDER BY last_seen_at LIMIT :limit",
            {"before_s": before_s, "limit": limit},
        )

    def add_gaps(self, gaps: Sequence[Gap]) -> None:
        """Store gaps."""
        rows = json.dumps([(gap.subscription_id, gap.from_seq, gap.through_seq) for gap in gaps])
        self._run(
            "INSERT INTO gap (subscription_id, from_seq, through_seq, at)"
            " SELECT gap.value ->> 0, gap.value ->> 1, gap.value ->> 2, ? FROM json_each(?) AS gap"
            " WHERE EXISTS (SELECT 1 FROM subscription WHERE id = gap.value ->> 0)",
            (self._now_s, rows),
        )
        for subscription_id in {gap.subscription_id for gap in gaps}:
            self._run(
                "DELETE FROM gap WHERE subscription_id = ?1 AND id <="
                " (SELECT id FROM gap WHERE subscription_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                (subscription_id, GAPS_KEPT),
            )

    def _read_one(
        self, statement: str, owner: User, subscription_id: int, values: dict[str, Any] | None = None
    ) -> Subscription | None:
        """Run a statement with the columns and the condition on the owner filled in."""
        found = self._read(
            statement.format(_COLUMNS, "user_uuid = :user_uuid AND oem = :oem"),
            {**(values or {}), "id": subscription_id, "user_uuid": owner.uuid, "oem": owner.oem},
        )
        return found[0] if found else None

    def _read(self, statement: str, values: dict[str, Any]) -> list[Subscription]:
        return [_read_row(row) for row in self._run(statement, values)]


def _term_values(terms: Terms) -> dict[str, Any]:
    texts = (
        terms.name,
        terms.description,
        format_selection(terms.dsns),
        format_selection(terms.oem_models),
        format_selection(terms.property_names),
        terms.client_type,
        ",".join(terms.types),
        terms.batch_size,
        terms.start_from,
    )
    return dict(zip(_TERMS, texts, strict=True))


def _read_row(row: Row) -> Subscription:
    name, description, dsn, oem_model, property_name, client_type, types, batch_size, start_from = row[: len(_TERMS)]
    subscription_id, oem, user_uuid, role, suspended_at, by_operator, key_sealed, *times = row[len(_TERMS) :]
    terms = Terms(
        client_type=ClientType(client_type),
        types=tuple(map(EventType, types.split(","))),
        dsns=parse_selection(dsn, field="dsn"),
        oem_models=parse_selection(oem_model, field="oem_model"),
        property_names=parse_selection(property_name, field="property_name"),
        batch_size=batch_size,
        name=name,
        description=description,
        start_from=StartFrom(start_from),
    )
    return Subscription(
        subscription_id, oem, user_uuid, role, terms, suspended_at, bool(by_operator), key_sealed, *times
    )
