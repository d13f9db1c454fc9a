"""The streaming core, sans I/O: sessions, hub, matcher, flow control and cursors."""
