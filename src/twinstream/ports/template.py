"""Stored device templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model.template import Template, TemplatePlan


class Templates(Protocol):
    """Templates of OEMs; the caller has checked who asks. An id is never used again."""

    def add(self, oem: str, plan: TemplatePlan) -> Template | None:
        """Add one; None if the OEM has one of this model and version."""

    def replace(self, oem: str, template_id: int, plan: TemplatePlan) -> Template | None:
        """Replace one; None if the OEM has none of this id, or another of this model and version."""

    def find(self, oem: str, template_id: int) -> Template | None:
        """Find one by its id."""

    def find_for(self, oem: str, oem_model: str, version: str | None) -> Template | None:
        """Find that of a model and version, the newest of the model if no version is given."""

    def list_of_oem(self, oem: str) -> Sequence[Template]:
        """List an OEM's, by id."""

    def remove(self, oem: str, template_id: int) -> bool:
        """Delete one; devices keep their shape. False if there is none."""
