"""The taggers that a configuration can name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tonewright.errors import ConfigError
from tonewright.tones.embedded import EmbeddedTagger
from tonewright.tones.prompted import PromptedTagger
from tonewright.tones.tagger import NoTagger, Tagger, TextEmbedder
from tonewright.tones.vocabulary import Vocabulary


@dataclass(frozen=True)
class Means:
    """What a tagger is made of. `embedder` and `scores` open a model, so only the one who needs it calls one."""

    embedder: Callable[[], TextEmbedder]
    scores: Callable[[], tuple[TextEmbedder, str]]  # rows of log-likelihoods per tone, and the model's name
    labels: Sequence[tuple[str, str]]  # (text, tone) by the author, oldest first
    vocabulary: Vocabulary
    threshold: float


def _embedded(means: Means) -> Tagger:
    return EmbeddedTagger(means.embedder(), means.labels, means.vocabulary, threshold=means.threshold)


def _local(means: Means) -> Tagger:
    return PromptedTagger(*means.scores(), means.labels, means.vocabulary, threshold=means.threshold)


def _none(means: Means) -> Tagger:
    return NoTagger()


TAGGERS: dict[str, Callable[[Means], Tagger]] = {"embedded": _embedded, "local": _local, "none": _none}


def make_tagger(name: str, means: Means) -> Tagger:
    """The tagger called `name` (`tagger.use` in the configuration); `ConfigError` when there is none."""
    if name not in TAGGERS:
        near = difflib.get_close_matches(name, TAGGERS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(f"there is no tagger called {name!r}", f"{hint}(known: {', '.join(TAGGERS)})")
    return TAGGERS[name](means)
