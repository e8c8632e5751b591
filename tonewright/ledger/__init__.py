"""The one record of every event and of everything derived from it."""
