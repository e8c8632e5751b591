"""Whether answers sound as they were asked to, by a tagger that has never seen the author."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from tonewright.gate.intervals import Counted
from tonewright.tones.embedded import EmbeddedTagger
from tonewright.tones.exemplars import shipped_exemplars
from tonewright.tones.tagger import TextEmbedder
from tonewright.tones.vocabulary import Vocabulary


class Heard(NamedTuple):
    """What the tagger hears in a text: the likeliest tone, None where it abstains, and every tone's probability."""

    tone: str | None
    scores: dict[str, float]


class Ear:
    """The embedded tagger with the shipped exemplars and none of the author's labels.

    A model is trained on the author's labels, and so is the tagger of daily use: a tagger that learned from the rows
    that the model learned from would hear what it was taught, not what is there. The exemplars are nobody's training
    rows. It names the likeliest tone however unsure it is, and abstains only on text unlike every exemplar.
    """

    def __init__(self, embedder: TextEmbedder) -> None:
        self._vocabulary = Vocabulary(tuple(dict.fromkeys(e.tone for e in shipped_exemplars())))
        self._tagger = EmbeddedTagger(embedder, [], self._vocabulary, threshold=0.0)

    @cached_property
    def tones(self) -> frozenset[str]:
        """The tones that it knows; one that the author has added cannot be judged."""
        return frozenset(self._vocabulary.names)

    def hear(self, texts: Sequence[str]) -> list[Heard]:
        """What it hears in each text."""
        return [Heard(s.tone, s.scores) for s in self._tagger.suggest(texts)]


def obeyed(heard: Sequence[Heard], wished: Sequence[str | None]) -> Counted:
    """The probability that the tagger gives to each wished tone; a text without one has no weight.

    The probability and not the verdict: with a dozen answers, "0.4 instead of 0.1" is most of what there is to know.
    An abstention counts with what little the tagger made of it.
    """
    return Counted(
        [h.scores.get(tone, 0.0) if tone else 0.0 for h, tone in zip(heard, wished)],
        [float(bool(tone)) for tone in wished],
    )


def named(heard: Sequence[Heard], wished: Sequence[str | None]) -> Counted:
    """Tone accuracy: 1 where the tagger names the wished tone; a text without one, or an abstention, has no weight."""
    return Counted(
        [float(h.tone == tone) if tone else 0.0 for h, tone in zip(heard, wished)],
        [float(bool(tone) and h.tone is not None) for h, tone in zip(heard, wished)],
    )
