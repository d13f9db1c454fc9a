"""The example devices, and fleets of them, as clients of a server that they know only over HTTP."""
