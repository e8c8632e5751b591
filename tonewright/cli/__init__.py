"""The `tonewright` command: one file per command."""
