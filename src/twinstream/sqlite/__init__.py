"""The ports on SQLite: schema, writer, event log and one file per noun."""
