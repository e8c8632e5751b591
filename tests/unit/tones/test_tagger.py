"""Taggers without a model: a toy embedder stands in for it, so only the tagger's own decisions are seen."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, NoReturn

import pytest

from tonewright.errors import ConfigError
from tonewright.tones.embedded import EmbeddedTagger
from tonewright.tones.exemplars import Example, choose_examples, shipped_exemplars
from tonewright.tones.tagger import NoTagger
from tonewright.tones.taggers import TAGGERS, Means, make_tagger
from tonewright.tones.vocabulary import Vocabulary

np = pytest.importorskip("numpy")

TONES = Vocabulary(("snark", "dry", "sincere", "playful", "wistful", "plain"))


class WordEmbedder:
    """Texts that share words are near each other: a bag of words, hashed to 1024 columns."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], /) -> Any:
        """Rows of length 1."""
        self.asked += texts
        rows = np.zeros((len(texts), 1024), dtype=np.float32)
        for row, text in zip(rows, texts):
            row[0] = 0.5
            for word in text.lower().split():
                row[1 + int.from_bytes(hashlib.sha256(word.encode()).digest()[:2], "big") % 1023] += 1
            row /= np.linalg.norm(row)
        return rows


def gruff(n: int) -> list[tuple[str, str]]:
    """Labels of a tone that is not shipped."""
    return [(f"harrumph harrumph harrumph bah number {i}", "gruff") for i in range(n)]


def test_exemplars_are_balanced() -> None:
    """Every tone has fourteen exemplars of 20 to 60 words, none twice, and subjects go round by tone."""
    shipped = shipped_exemplars()
    assert Counter(e.tone for e in shipped) == dict.fromkeys(TONES.names, 14)
    assert len({e.text for e in shipped}) == 84
    assert all(20 <= len(e.text.split()) <= 60 for e in shipped)
    assert [e.tone for e in shipped] == list(TONES.names) * 14


def test_own_tone_is_learned_from_five_labels_on() -> None:
    """A tone without exemplars is suggested once it has five labels, and is unknown before that."""
    words = Vocabulary((*TONES.names, "gruff"))
    few = EmbeddedTagger(WordEmbedder(), gruff(4), words).suggest(["bah harrumph harrumph harrumph today"])
    enough = EmbeddedTagger(WordEmbedder(), gruff(5), words).suggest(["bah harrumph harrumph harrumph today"])
    assert "gruff" not in few[0].scores
    assert enough[0].tone == "gruff"
    assert "harrumph" in enough[0].evidence
    assert "yours" in enough[0].evidence
    assert sum(enough[0].scores.values()) == pytest.approx(1, abs=1e-3)


def test_abstains() -> None:
    """Below the threshold there is no tone; the scores are still told, and the two that were near."""
    (found,) = EmbeddedTagger(WordEmbedder(), [], TONES, threshold=1.01).suggest(["The train was late and it rained."])
    assert found.tone is None
    assert found.evidence.startswith("undecided between ")
    assert 0 < found.confidence <= 1
    assert set(found.scores) == set(TONES.names)


def test_unlike_everything() -> None:
    """Text that shares nothing with any labelled passage gets no tone, however sure the head is."""
    (found,) = EmbeddedTagger(WordEmbedder(), [], TONES, threshold=0).suggest(["zq " * 80])
    assert (found.tone, found.evidence) == (None, "unlike every labelled passage")


@pytest.mark.parametrize("text", ["I was late.", "I was late", "“I was late.”", "*(I was late,*  "])
def test_the_last_sign_does_not_decide(text: str) -> None:
    """What a passage ends with (no full stop, a quotation mark, emphasis) does not change how it is read."""
    embedder = WordEmbedder()
    EmbeddedTagger(embedder, [], TONES).suggest([text])
    assert embedder.asked[-1].strip("“*(") == "I was late."


def test_nothing_to_learn_from() -> None:
    """A vocabulary of the author's own without labels gives no tone, and no model is asked."""
    embedder = WordEmbedder()
    (found,) = EmbeddedTagger(embedder, gruff(9), Vocabulary(("gruff", "grand"))).suggest(["bah"])
    assert found.tone is None
    assert "5 labels" in found.evidence
    assert embedder.asked == []


def test_no_passages_no_work() -> None:
    """An empty list is answered without a model."""
    embedder = WordEmbedder()
    assert EmbeddedTagger(embedder, [], TONES).suggest([]) == []
    assert embedder.asked == []


def test_newest_labels_are_kept() -> None:
    """Of very many labels of one tone, the newest fifteen hundred count, each once; other tones keep theirs."""
    labels = [(f"text {i}", "dry") for i in range(1600)] * 2 + [("one", "snark"), ("lost", "no-such-tone")]
    own = [e for e in choose_examples([], labels + [(f"s {i}", "snark") for i in range(4)], TONES) if e.own]
    assert Counter(e.tone for e in own) == {"dry": 1500, "snark": 5}
    assert own[0] == Example("text 100", "dry", True)


def test_version_does_not_change_with_labels() -> None:
    """Another label is no other tagger: else each click of the author's would tag the whole blog anew."""
    versions = {EmbeddedTagger(WordEmbedder(), labels, TONES).version for labels in ([], gruff(9))}
    assert len(versions) == 1


def test_no_tagger() -> None:
    """The tagger called none answers every passage with nothing."""
    assert [s.tone for s in NoTagger().suggest(["a", "b"])] == [None, None]


def test_taggers_by_name() -> None:
    """Every name makes the tagger of that name, and another name is refused with the nearest."""
    means = Means(WordEmbedder, lambda: (WordEmbedder(), "words"), [], TONES, 0.5)
    for name in TAGGERS:
        assert make_tagger(name, means).name == name
    with pytest.raises(ConfigError, match="'embeded': did you mean embedded\\? \\(known: embedded, local, none\\)"):
        make_tagger("embeded", means)


def test_none_opens_no_model() -> None:
    """Without a tagger no embedder is opened."""

    def opened() -> NoReturn:
        raise AssertionError("opened")

    assert make_tagger("none", Means(opened, opened, [], TONES, 0.5)).suggest(["a"])[0].tone is None
