"""The SDK: events as an asynchronous iterator, resume, back-off, gap check and REST calls."""
