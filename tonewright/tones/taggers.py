"""The taggers that a configuration can name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

from tonewright.errors import ConfigError
from tonewright.tones.tagger import EmbeddedTagger, NoTagger, Tagger, TextEmbedder
from tonewright.tones.vocabulary import Vocabulary

OpenEmbedder = Callable[[], TextEmbedder]  # called only by a tagger that needs one: opening loads a model
Labels = Sequence[tuple[str, str]]


def _embedded(embedder: OpenEmbedder, labels: Labels, vocabulary: Vocabulary, threshold: float) -> Tagger:
    return EmbeddedTagger(embedder(), labels, vocabulary, threshold=threshold)


def _none(embedder: OpenEmbedder, labels: Labels, vocabulary: Vocabulary, threshold: float) -> Tagger:
    return NoTagger()


TAGGERS: dict[str, Callable[[OpenEmbedder, Labels, Vocabulary, float], Tagger]] = {
    "embedded": _embedded,
    "none": _none,
}


def make_tagger(name: str, embedder: OpenEmbedder, labels: Labels, vocabulary: Vocabulary, threshold: float) -> Tagger:
    """The tagger called `name` (`tagger.use` in the configuration); `ConfigError` when there is none."""
    if name not in TAGGERS:
        near = difflib.get_close_matches(name, TAGGERS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(f"there is no tagger called {name!r}", f"{hint}(known: {', '.join(TAGGERS)})")
    return TAGGERS[name](embedder, labels, vocabulary, threshold)
