"""Where the long text for the proofs is."""

from __future__ import annotations

import os

import pytest

_PEPYS = os.environ.get("TONEWRIGHT_PEPYS")  # read before the tests' own home hides it


@pytest.fixture
def pepys() -> str:
    """The path of a gzipped diary, one JSON object (date, title, body) a line."""
    if not _PEPYS:
        pytest.skip("TONEWRIGHT_PEPYS names no diary (pepys.jsonl.gz)")
    return _PEPYS
