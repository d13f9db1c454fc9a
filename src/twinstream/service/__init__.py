"""The use cases: authorise, decide, one commit."""
