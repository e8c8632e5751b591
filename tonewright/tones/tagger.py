"""Suggest a tone for a passage: the interface of every tagger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

THRESHOLD = 0.5  # of the calibrated confidence: more likely right than wrong, by its own reckoning


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
    """Text to numbers."""

    def embed(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """One row per text, shape (n, width)."""
        ...


class NoTagger:
    """Leaves every passage to the hand."""

    name = "none"
    version = "1"

    def suggest(self, passages: Sequence[str]) -> list[Suggestion]:
        """No tone for any of them."""
        return [Suggestion(None, 0.0, {}, "no tagger is configured") for _ in passages]
