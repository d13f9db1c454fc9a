"""HTTP and WebSocket: routes, authentication, errors to responses and the I/O shell of a session."""
