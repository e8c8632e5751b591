"""The style guide tells habits that are in the texts, with counts, and no others."""

from __future__ import annotations

import pytest

from tonewright import prompts
from tonewright.corpus.style import guide, measure

HERS = [
    "But the kettle gave up — again. I don't mind. Perhaps it's the colour; perhaps it's me — who knows?",
    "But the ferry didn't come. Perhaps it was cancelled — the neighbours organise that sort of thing.",
] * 6


def test_habits_are_counted() -> None:
    """Openers, punctuation, contractions, spelling and hedges have the numbers that one can count by hand."""
    habits = measure(HERS)
    assert (habits.passages, habits.sentences) == (12, 30)
    assert habits.openers == {"but": 12, "perhaps": 12, "i": 6}
    assert habits.marks["dashes"] == 18
    assert (habits.contracted, habits.in_full) == (24, 0)
    assert habits.spellings == {"British": 24, "American": 0}
    assert habits.hedges == {"perhaps": 18, "sort of": 6}


def test_guide_says_what_was_counted() -> None:
    """Each sentence of the guide follows from a count, and what is not there is not mentioned."""
    said = guide(measure(HERS))
    for part in ("often begin with “But”, “Perhaps”", "many dashes", "Contractions are usual", "Spelling is British"):
        assert part in said
    assert "hardly any exclamation marks" in said
    assert "American" not in said


def test_too_little_is_no_habit() -> None:
    """A single paragraph makes no guide, and an empty corpus neither."""
    assert guide(measure(HERS[:1])) == ""
    assert guide(measure([])) == ""


@pytest.mark.parametrize(
    ("tones", "words"),
    [
        ([("dry", 1.0)], "dry"),
        ([("snark", 0.7), ("dry", 1.0)], "dry and slightly snark"),
        ([("wistful", 0.2), ("dry", 0.9), ("snark", 0.5)], "dry, slightly snark and faintly wistful"),
    ],
)
def test_tones_in_words(tones: list[tuple[str, float]], words: str) -> None:
    """The strongest comes first, and one tone alone is asked for as in training."""
    assert prompts.blend(tones) == words


def test_one_tone_is_asked_for_as_in_training() -> None:
    """The request with one tone is the same, word for word, as the training row's."""
    assert prompts.rewrite("x", prompts.blend([("dry", 1.0)])) == prompts.rewrite("x", "dry")
    assert prompts.rewrite("x", "dry")[-1]["content"] == "Rewrite this in my voice, in a dry tone:\n\nx"
