"""Streams on disk: recorded, scrubbed of whose they were, and played again on the same protocol."""
