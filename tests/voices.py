"""Voices without a model: each makes its answer out of the request by a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tonewright.prompts import Messages
from tonewright.rewriting.rewrite import Manner, Span, rewritten, splice

_PIECES = re.compile(r"\s*\S+|\s+")


class Nats(NamedTuple):
    """A cost."""

    nll: float


class Scripted:
    """Answers by a rule what follows the request's first line; the cost of an answer is its length."""

    def __init__(self, rule: Callable[[str], str]) -> None:
        self.rule = rule
        self.asked: list[Messages] = []

    def stream(self, messages: Messages, *, max_tokens: int, temperature: float = 0.0, seed: int = 0) -> Iterator[str]:
        """The rule's answer, word by word."""
        self.asked.append(messages)
        yield from _PIECES.findall(self.rule(messages[-1]["content"].partition("\n\n")[2]))

    def score(self, messages: Messages, target: str) -> Nats:
        """Longer is dearer."""
        return Nats(float(len(target)))


def rewrite(text: str, rule: Callable[[str], str], manner: Manner | None = None) -> tuple[str, list[Span]]:
    """The text rewritten by a rule, and its spans."""
    spans = list(rewritten(text, "post.md", Scripted(rule), manner or Manner()))
    return splice(text, spans), spans
