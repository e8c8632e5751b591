"""tonewright: your own writing, tone-tagged, teaches a small model to write like you."""

__version__ = "0.1.0"
