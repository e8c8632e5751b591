"""Recordings of every kind that a phone makes, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.recordings import KINDS, SECONDS, encode, voice


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Make a recording: `record("m4a")`, `record("wav", samples=array)`."""
    pytest.importorskip("av")

    def make(kind: str, samples: Any = None) -> Path:
        rate = KINDS[kind].rate
        return encode(tmp_path / f"note.{kind}", voice(SECONDS, rate) if samples is None else samples, KINDS[kind])

    return make
