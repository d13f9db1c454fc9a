"""Bytes to messages and back: frames, heartbeats, event JSON, close codes and the bodies of the REST APIs."""
