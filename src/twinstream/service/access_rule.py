"""Access rules: the OEM's administrator decides which role may subscribe to what.

Knows no HTTP and no SQL. A change bears on subscriptions that exist: their next stretch begins in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.errors import RequestError
from twinstream.model.access_rule import AccessRule, RuleTerms, check_rule_terms
from twinstream.model.principal import User
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.principal import require_admin, require_staff
from twinstream.service.stretch import begin_stretches


class AccessRuleService:
    """The use cases of access rules. A rule of another OEM is ``not_found`` like one that never was."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, user: User, terms: RuleTerms) -> AccessRule:
        """Add a rule. Raises RequestError ``forbidden`` unless the user is the OEM's administrator, ``invalid``."""
        require_admin(user)
        check_rule_terms(terms)

        def add(work: UnitOfWork) -> AccessRule:
            rule = work.access_rules.add(user, terms)
            begin_stretches(work, work.subscriptions.list_under_rules(user.oem, terms.role))
            return rule

        return await self._store.run(add)

    async def get(self, user: User, rule_id: int) -> AccessRule:
        """Answer a rule of the user's OEM. Raises RequestError ``forbidden`` for end users, ``not_found``."""
        require_staff(user)

        def find(view: View) -> AccessRule | None:
            return view.access_rules.find(user, rule_id)

        rule = await self._store.query(find)
        if rule is None:
            raise RequestError("not_found")
        return rule

    async def list(self, user: User) -> Sequence[AccessRule]:
        """List the rules of the user's OEM, by id. Raises RequestError ``forbidden`` for end users."""
        require_staff(user)

        def read(view: View) -> Sequence[AccessRule]:
            return view.access_rules.list_of_oem(user)

        return await self._store.query(read)

    async def delete(self, user: User, rule_id: int) -> None:
        """Delete a rule.

        Raises RequestError ``forbidden`` unless the user is the OEM's administrator, ``not_found``.
        """
        require_admin(user)

        def remove(work: UnitOfWork) -> None:
            rule = work.access_rules.remove(user, rule_id)
            if rule is None:
                raise RequestError("not_found")
            begin_stretches(work, work.subscriptions.list_under_rules(user.oem, rule.terms.role))

        await self._store.run(remove)
