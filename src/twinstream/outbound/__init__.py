"""Calls to other machines: mail servers and identity providers."""
