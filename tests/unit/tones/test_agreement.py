"""Agreement beyond chance, against values worked out by hand."""

from __future__ import annotations

import pytest

from tonewright.tones.agreement import agreement


def test_kappa_of_a_table_worked_out_by_hand() -> None:
    """20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: 0.7 observed, 0.5 by chance, kappa 0.4."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = agreement(pairs)
    assert found is not None
    assert (found.passages, found.share) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)


def test_edges() -> None:
    """Nothing to compare, perfect agreement, opposite answers, and one tone only, which proves nothing."""
    assert agreement([]) is None
    assert agreement([("a", "a"), ("b", "b")]) == (2, 1.0, 1.0)
    assert agreement([("a", "b"), ("b", "a")]) == (2, 0.0, -1.0)
    assert agreement([("a", "a")] * 3) == (3, 1.0, None)
