"""Device templates in SQLite: the table `template`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.template import Template, TemplatePlan
from twinstream.sqlite.device import encode
from twinstream.sqlite.repository import Repository
from twinstream.sqlite.structure import write_object


class Templates(Repository):
    """See `ports.template.Templates`."""

    def add(self, oem: str, plan: TemplatePlan) -> Template | None:
        """Add a template."""
        row = self._first(
            f"""INSERT INTO template
                (oem, oem_model, version, name, registration_type, properties, created_at, updated_at)
            VALUES (:oem, :oem_model, :version, :name, :registration_type, :properties, :now_s, :now_s)
            ON CONFLICT DO NOTHING RETURNING {_OBJECT}""",
            self._bind(oem, plan),
        )
        return None if row is None else _TEMPLATE.decode(row[0])

    def replace(self, oem: str, template_id: int, plan: TemplatePlan) -> Template | None:
        """Replace a template."""
        row = self._first(
            f"""UPDATE OR IGNORE template SET oem_model = :oem_model, version = :version, name = :name,
                registration_type = :registration_type, properties = :properties, updated_at = :now_s
            WHERE id = :id AND oem = :oem RETURNING {_OBJECT}""",
            {**self._bind(oem, plan), "id": template_id},
        )
        return None if row is None else _TEMPLATE.decode(row[0])

    def find(self, oem: str, template_id: int) -> Template | None:
        """Find a template."""
        row = self._first(f"SELECT {_OBJECT} FROM template WHERE id = ? AND oem = ?", (template_id, oem))
        return None if row is None else _TEMPLATE.decode(row[0])

    def find_for(self, oem: str, oem_model: str, version: str | None) -> Template | None:
        """Find the template of a model."""
        row = self._first(
            f"""SELECT {_OBJECT} FROM template WHERE oem = :oem AND oem_model = :oem_model
                AND (:version IS NULL OR version = :version) ORDER BY id DESC LIMIT 1""",
            {"oem": oem, "oem_model": oem_model, "version": version},
        )
        return None if row is None else _TEMPLATE.decode(row[0])

    def list_of_oem(self, oem: str) -> Sequence[Template]:
        """List an OEM's templates."""
        (row,) = self._run(f"SELECT json_group_array({_OBJECT} ORDER BY id) FROM template WHERE oem = ?", (oem,))
        return _TEMPLATES.decode(row[0])

    def remove(self, oem: str, template_id: int) -> bool:
        """Delete a template."""
        return self._first("DELETE FROM template WHERE id = ? AND oem = ? RETURNING id", (template_id, oem)) is not None

    def _bind(self, oem: str, plan: TemplatePlan) -> dict[str, object]:
        values = {"oem": oem, "oem_model": plan.oem_model, "version": plan.version, "name": plan.name}
        more = {"registration_type": plan.registration_type, "properties": encode(plan.properties)}
        return {**values, **more, "now_s": self._now_s}


_OBJECT = write_object(Template, "template", properties="json(template.properties)")
_TEMPLATE = msgspec.json.Decoder(Template)
_TEMPLATES = msgspec.json.Decoder(list[Template])
