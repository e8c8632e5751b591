"""What is examined, and by whom: held-out items, what was taught, and the systems that answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tonewright.corpus.rows import Row
from tonewright.prompts import Messages
from tonewright.tones.tagger import TextEmbedder

BASE, CHAMPION, CHALLENGER = "prompted base", "champion", "challenger"


@dataclass(frozen=True)
class Item:
    """A held-out row: the request, what the author answered, and the text that the request is about."""

    id: str
    kind: str
    tone: str | None
    request: Messages
    answer: str
    source_text: str
    post: str = ""  # where it is from: passages of one post are not independent of each other

    @classmethod
    def of(cls, row: Row) -> Item:
        """`row` as a question."""
        return cls(row.id, row.kind, row.tone, row.request, row.answer, row.source_text, row.source["path"])


class Lesson(NamedTuple):
    """A row that the challenger was trained on."""

    request: Messages
    answer: str


class Cost(Protocol):
    """`nll`: summed negative log-likelihood in nats."""

    @property
    def nll(self) -> float:
        """In nats, not negative."""
        ...


class System(Protocol):
    """Something that can be examined; `LocalModel` is one."""

    def score(self, messages: Messages, target: str) -> Cost:
        """What `target` costs as the answer to `messages`."""
        ...

    def generate(self, messages: Messages, *, max_tokens: int) -> str:
        """The likeliest answer to `messages`, always the same."""
        ...


Opener = Callable[[], AbstractContextManager[System]]
Embedders = Callable[[], AbstractContextManager[TextEmbedder]]
Progress = Callable[[str], None]
