"""Vectors that are kept: computed once, right afterwards, and no reason to fail."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tonewright.models.vectors import KeptEmbedder


class Lengths:
    """Stands for a model: a vector of a text's length, and a list of all that it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row per text."""
        self.asked += texts
        return np.array([[len(text), 0.1] for text in texts], dtype=np.float32)


def test_another_process_asks_the_model_nothing(tmp_path: Path) -> None:
    """Rows come back in the order of the question, repeated texts included, without the model."""
    first, second = Lengths(), Lengths()
    kept = KeptEmbedder(first, tmp_path / "cache" / "vectors.db")
    wanted = kept.embed(["a", "bbb", "a"])
    kept.close()
    assert first.asked == ["a", "bbb"]
    again = KeptEmbedder(second, tmp_path / "cache" / "vectors.db")
    assert np.array_equal(again.embed(["a", "bbb", "a"]), wanted)
    assert again.embed(["cc", "bbb"]).tolist() == [[2.0, np.float32(0.1)], [3.0, np.float32(0.1)]]
    again.close()
    assert second.asked == ["cc"]
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", [b"no database at all " * 100, b""])
def test_a_damaged_memory_costs_time_only(tmp_path: Path, damage: bytes) -> None:
    """Whatever became of the file, the answer is right."""
    (tmp_path / "vectors.db").write_bytes(damage)
    kept = KeptEmbedder(Lengths(), tmp_path / "vectors.db")
    assert kept.embed(["a", "bbb"])[:, 0].tolist() == [1.0, 3.0]
    kept.close()
