"""GGUF files written and checked by us."""
