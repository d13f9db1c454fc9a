"""The services for tests of this layer."""

from __future__ import annotations

from tests.services import services

__all__ = ["services"]
