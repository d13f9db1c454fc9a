"""twinstream: an open, self-hosted service that is wire-compatible with the Ayla Datastream Service."""

__version__ = "0.1.0"
