"""An untrained base that is told how the author writes: a style guide and answered examples before each request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tonewright.prompts import Messages
from tonewright.rewriting.choosing import Chosen
from tonewright.rewriting.rewrite import Cost, Voice


@dataclass(frozen=True)
class Prompted:
    """A voice that is asked as `chosen` says."""

    voice: Voice
    chosen: Chosen

    def stream(self, messages: Messages, *, max_tokens: int, temperature: float = 0.0, seed: int = 0) -> Iterator[str]:
        """The voice's answer to the longer request."""
        asked = self.chosen.asked(messages)
        return self.voice.stream(asked, max_tokens=max_tokens, temperature=temperature, seed=seed)

    def score(self, messages: Messages, target: str) -> Cost:
        """What `target` costs as the answer to the longer request."""
        return self.voice.score(self.chosen.asked(messages), target)
