"""The asked tagger without a model: a stand-in with habits gives the scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tonewright.models.chat import Message
from tonewright.tones.prompted import LABELS_TO_CALIBRATE, PromptedTagger, ToneScores, prompt_digest
from tonewright.tones.vocabulary import Vocabulary

np = pytest.importorskip("numpy")

TONES = Vocabulary(("dry", "playful", "plain"))


class Model:
    """Likes to say "dry", whatever it reads; a word of the passage that names a tone moves it a little."""

    def __init__(self, heard: float = 1.0) -> None:
        self.asked: list[str] = []
        self._heard = heard

    def score(self, messages: Sequence[Message], answers: Sequence[str], /) -> Any:
        """Mean log-likelihoods."""
        self.asked.append(str(messages[-1]["content"]))
        passage = self.asked[-1].rpartition("Passage:")[2]
        return np.array([-1.0 - 3 * (a != "dry") + self._heard * 2 * passage.count(a) for a in answers])


def tagger(model: Model, labels: Sequence[tuple[str, str]] = ()) -> PromptedTagger:
    """With the stand-in's scores."""
    return PromptedTagger(ToneScores(model, TONES), "toy", labels, TONES)


def test_a_habit_is_no_reading() -> None:
    """What the model says to no passage at all is taken off, so that its favourite word wins only where it is heard."""
    found = tagger(Model()).suggest(["so playful, playful today", "a table and a chair", "dry, dry as dust"])
    assert [s.tone for s in found] == ["playful", None, "dry"]
    assert sum(found[1].scores.values()) == pytest.approx(1, abs=1e-3)
    assert max(found[1].scores.values()) < 0.4
    assert found[1].evidence.startswith("undecided")


def test_enough_labels_teach_what_the_scores_mean() -> None:
    """A model that takes the tones for each other is read rightly once the author has tagged enough."""
    wrong = {"dry": "playful", "playful": "plain", "plain": "dry"}
    labels = [(f"{wrong[tone]} number {i}", tone) for i in range(LABELS_TO_CALIBRATE // 2) for tone in TONES.names]
    asked = [f"{wrong[tone]} anew" for tone in TONES.names]
    before = [max(s.scores, key=s.scores.__getitem__) for s in tagger(Model()).suggest(asked)]
    after = [max(s.scores, key=s.scores.__getitem__) for s in tagger(Model(), labels).suggest(asked)]
    assert before == [wrong[tone] for tone in TONES.names]
    assert after == list(TONES.names)


def test_prompts_begin_alike() -> None:
    """Everything before the passage is the same, and the version changes with the vocabulary."""
    model = Model()
    tagger(model).suggest(["one thing", "another\n\nthing"])
    heads = {text.rpartition("Passage:")[0] for text in model.asked}
    assert len(heads) == 1
    assert model.asked[-1].endswith("Passage: another thing\nTone:")
    assert prompt_digest(TONES) != prompt_digest(Vocabulary(("dry", "plain")))


def test_no_passages_no_work() -> None:
    """An empty list is answered without a model."""
    model = Model()
    assert tagger(model).suggest([]) == []
    assert model.asked == []
