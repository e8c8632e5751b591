"""Passages, labels and training pairs, with provenance."""
