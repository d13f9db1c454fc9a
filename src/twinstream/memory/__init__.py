"""The event log and the bookmarks in memory, for the simulation and the tests of the streaming core."""
