"""Suggest a tone for a passage: the interface of every tagger, and the one that needs no model of its own."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tonewright.tones.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tonewright.tones.head import Floats, Head

THRESHOLD = 0.5  # of the calibrated confidence: more likely right than wrong, by its own reckoning
AUTHOR_WEIGHT = 3.0  # one label of the author's counts as much as this many exemplars
LABELS_TO_LEARN = 5  # a tone without exemplars is learned from this many labels on
LABELS_PER_TONE = 200  # the newest; beyond that the head grows slower and no better
STRENGTH = 0.01  # the head's C: the likeliest out-of-fold answers on the exemplars lay between 0.003 and 0.1
SNIPPET = 70  # characters of the nearest passage that are shown as evidence


@dataclass(frozen=True)
class Suggestion:
    """What a tagger makes of one passage; `tone` is None when it would rather not say."""

    tone: str | None
    confidence: float  # calibrated probability of the likeliest tone, 0 to 1
    scores: dict[str, float] = field(default_factory=dict)  # every tone's probability
    evidence: str = ""  # why, in words


class Tagger(Protocol):
    """Suggests tones. `version` changes whenever the same passages and labels may get other answers."""

    name: str
    version: str

    def suggest(self, passages: Sequence[str]) -> list[Suggestion]:
        """One suggestion per passage, in order."""
        ...


class TextEmbedder(Protocol):
    """Text to vectors."""

    def embed(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """One row of length 1 per text, shape (n, width)."""
        ...


class Example(NamedTuple):
    """A passage with its tone, and whether the author gave it."""

    text: str
    tone: str
    own: bool


class NoTagger:
    """Leaves every passage to the hand."""

    name = "none"
    version = "1"

    def suggest(self, passages: Sequence[str]) -> list[Suggestion]:
        """No tone for any of them."""
        return [Suggestion(None, 0.0, {}, "no tagger is configured") for _ in passages]


class EmbeddedTagger:
    """A logistic head on the last-token embeddings of the small local model.

    It learns from the shipped exemplars and, with more weight, from the author's `labels`, pairs of (text, tone),
    oldest first. The head is fitted at the first call of `suggest` and given its temperature out of fold, so that
    a confidence is a probability for text like the labelled. The exemplars are of one hand: until there are labels
    of the author's own, it is an overestimate (on the example blog, 0.4 were right of what it gave 0.5 or more).
    It abstains below `threshold` and on text that is unlike anything labelled.
    """

    name = "embedded"

    def __init__(
        self,
        embedder: TextEmbedder,
        labels: Sequence[tuple[str, str]],
        vocabulary: Vocabulary,
        *,
        threshold: float = THRESHOLD,
    ) -> None:
        self._embedder = embedder
        self._threshold = threshold
        self._examples = choose_examples(shipped_exemplars(), labels, vocabulary)
        self._classes = tuple(name for name in vocabulary.names if any(e.tone == name for e in self._examples))
        self._fitted: _Fitted | None = None
        # Not the labels: they grow by the day, and a passage is not tagged anew for each of them.
        self.version = f"1-{hashlib.sha256(_exemplar_bytes()).hexdigest()[:8]}"

    def suggest(self, passages: Sequence[str]) -> list[Suggestion]:
        """One suggestion per passage; its evidence quotes the nearest labelled passage of that tone."""
        if not passages:
            return []
        if len(self._classes) < 2:
            why = f"a tone is learned from {LABELS_TO_LEARN} labels on, and fewer than two tones have them"
            return [Suggestion(None, 0.0, {}, why) for _ in passages]
        self._fitted = self._fitted or self._fit()
        vectors = self._embed(passages)
        probabilities = self._fitted.head.predict_proba(vectors)
        likeness = vectors @ self._fitted.vectors.T
        return [self._suggestion(self._fitted, p, near) for p, near in zip(probabilities, likeness)]

    def _embed(self, texts: Sequence[str]) -> Floats:
        return self._embedder.embed([ended(text) for text in texts]).astype("float64")

    def _fit(self) -> _Fitted:
        import numpy as np

        from tonewright.tones.head import calibrate, fit, out_of_fold

        vectors = self._embed([e.text for e in self._examples])
        tones = [e.tone for e in self._examples]
        weight = np.array([AUTHOR_WEIGHT if e.own else 1.0 for e in self._examples])
        unseen = out_of_fold(vectors, tones, self._classes, STRENGTH, weight)
        head = calibrate(fit(vectors, tones, self._classes, STRENGTH, weight), unseen, tones, weight)
        return _Fitted(head, vectors, _least_likeness(vectors))

    def _suggestion(self, fitted: _Fitted, probabilities: Floats, likeness: Floats) -> Suggestion:
        order = probabilities.argsort()[::-1]
        best, second = (self._classes[i] for i in order[:2])
        confidence = float(probabilities[order[0]])
        scores = {name: round(float(p), 4) for name, p in zip(self._classes, probabilities)}
        if likeness.max() < fitted.least_likeness:
            return Suggestion(None, confidence, scores, "unlike every labelled passage")
        if confidence < self._threshold:
            return Suggestion(None, confidence, scores, f"undecided between {best} and {second}")
        nearest = max((i for i, e in enumerate(self._examples) if e.tone == best), key=lambda i: float(likeness[i]))
        return Suggestion(best, confidence, scores, _closest_to(self._examples[nearest]))


class _Fitted(NamedTuple):
    head: Head
    vectors: Floats  # of the examples, (n, width)
    least_likeness: float


def choose_examples(
    shipped: Sequence[Example], labels: Sequence[tuple[str, str]], vocabulary: Vocabulary
) -> list[Example]:
    """What to learn from: exemplars of known tones, then the newest labels of each learnable tone."""
    examples = [e for e in shipped if e.tone in vocabulary.names]
    known = {e.tone for e in examples}
    own = [Example(text, tone, True) for text, tone in dict.fromkeys(labels) if tone in vocabulary.names]
    counts = Counter(e.tone for e in own)
    skip = {tone: max(0, n - LABELS_PER_TONE) for tone, n in counts.items()}
    for example in own:
        if skip[example.tone] > 0:
            skip[example.tone] -= 1
        elif example.tone in known or counts[example.tone] >= LABELS_TO_LEARN:
            examples.append(example)
    return examples


def shipped_exemplars() -> list[Example]:
    """Fourteen everyday subjects, each told once in each of the six tones, subject by subject."""
    rows = [json.loads(line) for line in _exemplar_bytes().decode("utf-8").splitlines()]
    return [Example(row["text"], row["tone"], False) for row in rows]


def _exemplar_bytes() -> bytes:
    return (resources.files("tonewright.tones") / "exemplars.jsonl").read_bytes()


def ended(text: str) -> str:
    """`text` with a full stop where it ends in none, and without closing quotes, brackets and emphasis after it.

    The vector is that of the last token, so that sign must not be what tells two passages apart: of 24 passages
    stripped of their last sign, 14 got the right tone as they were and 19, as many as with it, ended like this.
    """
    bare = text.rstrip().rstrip("\"'”’»)]*_ ")
    return bare if bare.endswith((".", "!", "?", "…")) else bare.rstrip(",;:-–—") + "."


def _least_likeness(vectors: Floats) -> float:
    """How near (cosine) a passage must be to some labelled one for the head to have a say about it.

    As near as the loneliest example is to its nearest neighbour. It comes from the embedder at hand, since models
    differ in how narrow a cone their vectors fill.
    """
    import numpy as np

    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1.0)
    return float(likeness.max(axis=1).min())


def _closest_to(example: Example) -> str:
    text = example.text if len(example.text) <= SNIPPET else example.text[:SNIPPET].rsplit(" ", 1)[0] + " …"
    return f"closest to: “{text}” ({'yours' if example.own else 'shipped'}, {example.tone})"
