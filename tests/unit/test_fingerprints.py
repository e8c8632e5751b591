"""The model's words are known again; the author's are not taken for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tonewright.corpus.fingerprints import OURS, Glance, remember, share_written
from tonewright.ledger.store import Ledger

WRITTEN = "The lock was left open again, and the cat, who reads no notices, moved in before the water did."
OTHER = "Nobody on the towpath believes in instructions, so the bailiff painted a second board above the first."


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    made = Ledger(tmp_path / "ledger.db")
    yield made
    made.close()


def test_known_again_whatever_happened_to_its_form(ledger: Ledger) -> None:
    """Case, punctuation, markup and line breaks make no difference; another text shares nothing."""
    remember(ledger, WRITTEN)
    assert share_written(ledger, WRITTEN) == 1.0
    assert share_written(ledger, WRITTEN.upper().replace(", ", "\n").replace("CAT", "**cat**")) == 1.0
    assert share_written(ledger, OTHER) == 0.0
    assert share_written(ledger, "") == 0.0


def test_the_authors_words_within_stay_the_authors(ledger: Ledger) -> None:
    """A paragraph in which the model changed two words does not make the author's own paragraph known."""
    remember(ledger, WRITTEN.replace("moved in", "settled down"), instead_of=WRITTEN)
    assert share_written(ledger, WRITTEN) == 0.0
    assert 0 < share_written(ledger, WRITTEN.replace("moved in", "settled down")) < OURS


def test_short_texts_are_known_as_a_whole(ledger: Ledger) -> None:
    """Three words are remembered exactly, and neither more nor fewer of them are known."""
    remember(ledger, "Tea, at last.")
    assert share_written(ledger, "tea at last") == 1.0
    assert share_written(ledger, "Tea at least.") == 0.0
    assert share_written(ledger, "So it was tea at last for us.") == 0.0


def test_a_glance_makes_and_changes_nothing(tmp_path: Path) -> None:
    """Looking at a ledger that is not there, is none or is older finds nothing and leaves no file."""
    state = tmp_path / "state"
    assert Glance.at(state) is None
    assert not state.exists()
    state.mkdir()
    (state / "ledger.db").write_bytes(b"no database at all, but long enough to be taken for one" * 40)
    glance = Glance.at(state)
    assert glance is not None
    assert share_written(glance, WRITTEN) == 0.0
    glance.close()
    assert sorted(p.name for p in state.iterdir()) == ["ledger.db"]


def test_a_glance_sees_what_another_process_remembers(tmp_path: Path) -> None:
    """Open or closed beside it, the ledger's words are seen."""
    ledger = Ledger(tmp_path / "ledger.db")
    remember(ledger, WRITTEN)
    for _ in range(2):
        glance = Glance.at(tmp_path)
        assert glance is not None
        assert share_written(glance, WRITTEN) == 1.0
        glance.close()
        ledger.close()
