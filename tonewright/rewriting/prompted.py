"""An untrained base that is told how the author writes: a style guide and answered examples before each request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tonewright import prompts
from tonewright.prompts import Messages
from tonewright.rewriting.rewrite import Cost, Voice


@dataclass(frozen=True)
class Prompted:
    """A voice that puts `guide` and `examples` before what it is asked; both may be empty."""

    voice: Voice
    guide: str
    examples: Sequence[tuple[Messages, str]]

    def stream(self, messages: Messages, *, max_tokens: int, temperature: float = 0.0, seed: int = 0) -> Iterator[str]:
        """The voice's answer to the longer request."""
        return self.voice.stream(self._asked(messages), max_tokens=max_tokens, temperature=temperature, seed=seed)

    def score(self, messages: Messages, target: str) -> Cost:
        """What `target` costs as the answer to the longer request."""
        return self.voice.score(self._asked(messages), target)

    def _asked(self, messages: Messages) -> Messages:
        return prompts.guided(prompts.few_shot(messages, self.examples), self.guide)
