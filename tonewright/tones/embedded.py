"""The default tagger: no network, no key, no GPU, and it learns from every tag of the author's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tonewright.tones.exemplars import (
    LABELS_TO_LEARN,
    Example,
    choose_examples,
    ended,
    fingerprint,
    shipped_exemplars,
)
from tonewright.tones.tagger import THRESHOLD, Suggestion, TextEmbedder
from tonewright.tones.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tonewright.tones.features import Features, Floats
    from tonewright.tones.head import Head

# The head's C for rows of the length that `features` gives them: a pull of 1 per example, until all of them together
# pull like this many. On 1,600 tweets, that told 0.89 of the pairs apart where a pull of 1 each told 0.82.
STRENGTH, TOGETHER = 1.0, 500.0
FOLDS, ENOUGH = 5, 400  # examples kept aside for the calibration: more change nothing and cost a fit each fifth
SNIPPET = 70  # characters of the nearest passage that are shown as evidence


class EmbeddedTagger:
    """A logistic head on the small local model's vectors and on words.

    It learns from the shipped exemplars and from the author's `labels`, pairs of (text, tone), oldest first. The head
    is fitted at the first call of `suggest`. It starts as cautious as the ridge makes it, and label by label its
    confidence is scaled to how often it is right about labels of the author's that it has not seen. The exemplars have
    no part in that: how well they foretell each other says little about another hand, and scaled to that, the head
    claimed 0.5 or more where it was right in 0.4. It abstains below `threshold` and on text that is unlike anything
    labelled.
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
        self.version = f"3-{fingerprint()}"

    def suggest(self, passages: Sequence[str]) -> list[Suggestion]:
        """One suggestion per passage; its evidence quotes the nearest labelled passage of that tone."""
        if not passages:
            return []
        if len(self._classes) < 2:
            why = f"a tone is learned from {LABELS_TO_LEARN} labels on, and fewer than two tones have them"
            return [Suggestion(None, 0.0, {}, why) for _ in passages]
        self._fitted = self._fitted or self._fit()
        vectors = self._embed(passages)
        probabilities = self._fitted.head.predict_proba(self._fitted.features(vectors, passages))
        likeness = vectors @ self._fitted.vectors.T
        return [self._suggestion(self._fitted, p, near) for p, near in zip(probabilities, likeness)]

    def _embed(self, texts: Sequence[str]) -> Floats:
        return self._embedder.embed([ended(text) for text in texts]).astype("float64")

    def _fit(self) -> _Fitted:
        import numpy as np

        from tonewright.tones.features import fit_features
        from tonewright.tones.head import calibrate, fit, out_of_fold

        texts, tones = [e.text for e in self._examples], [e.tone for e in self._examples]
        own = np.array([e.own for e in self._examples])
        vectors = self._embed(texts)
        features = fit_features(vectors, texts)
        rows = features(vectors, texts)
        strength = STRENGTH * min(1.0, TOGETHER / len(texts))
        head = fit(rows, tones, self._classes, strength)
        if own.any():
            logits, unseen = out_of_fold(rows, tones, self._classes, strength, FOLDS, ENOUGH)
            told = own & unseen
            head = calibrate(head, logits[told], [tone for tone, is_told in zip(tones, told) if is_told])
        return _Fitted(head, features, vectors, _least_likeness(vectors))

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
    features: Features
    vectors: Floats  # of the examples, (n, width)
    least_likeness: float


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
