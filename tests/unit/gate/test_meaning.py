"""Whether answers are told by what they are about."""

from __future__ import annotations

import numpy as np

from tests.unit.gate.scripted import WordEmbedder
from tonewright.gate.meaning import meaning

SOURCES = ["The kettle broke on Monday.", "The rope is long and old.", "A gull took the sandwich.", "The bell rang."]


def told(answers: list[str]) -> list[float]:
    """The shares for answers to the four sources."""
    embed = WordEmbedder().embed
    return meaning(embed(SOURCES), embed(answers))


def test_other_words_for_the_same_are_told() -> None:
    """Each answer is nearer to its own source than to any other."""
    assert (
        told(["My kettle broke.", "Old rope, long rope.", "The sandwich went to a gull.", "A bell rang."]) == [1.0] * 4
    )


def test_swapped_answers_are_not() -> None:
    """Answers to each other's questions are nearest to those."""
    assert max(told([*SOURCES[1:], SOURCES[0]])) < 0.7


def test_one_answer_for_all_says_nothing() -> None:
    """Silence is about nothing: no better than half on average."""
    assert np.mean(told([""] * 4)) <= 0.5


def test_a_single_passage_cannot_be_mistaken() -> None:
    """There is no other to take it for."""
    embed = WordEmbedder().embed
    assert meaning(embed(SOURCES[:1]), embed(["Anything."])) == [1.0]
