"""The services for tests of this layer."""

from __future__ import annotations

from tests.services import services
from tests.twins import scene, twins

__all__ = ["scene", "services", "twins"]
