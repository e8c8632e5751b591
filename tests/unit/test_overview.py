"""Values that take their time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.conftest import until
from tonewright.errors import TryLater
from tonewright.ledger.store import Ledger
from tonewright.overview import Patient


def test_a_slow_value_is_not_waited_for(tmp_path: Path) -> None:
    """None until it is there, then at once and without being made again; an error goes to whoever asks, once."""
    ledger, go, made = Ledger(tmp_path / "ledger.db"), threading.Event(), []

    def make() -> int:
        go.wait(20)
        made.append(1)
        return len(made)

    value = Patient(make, ledger)
    assert value.get(0.01) is None
    assert value.get(0.01) is None
    go.set()
    until(lambda: value.get(0.01))
    assert value.get(0.0) == 1
    assert made == [1], "it took a moment, so it is good for twenty"

    def fail() -> int:
        raise TryLater("the disk is full")

    with pytest.raises(TryLater):
        Patient(fail, ledger).get(20)
    ledger.close()
