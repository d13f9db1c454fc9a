"""The collector: streams into databases and files, each event exactly once."""
