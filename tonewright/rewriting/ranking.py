"""Which of several usable answers is the best, by what the gate measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tonewright.gate.language import words
from tonewright.gate.likeness import Manner
from tonewright.gate.measures import ECHO, OverlapIndex, longest_overlap, similarity

_SAMPLE_WORDS = 12_000


class Candidate(NamedTuple):
    """An answer on one line, and the text that would stand in the file."""

    answer: str
    text: str


@dataclass(frozen=True)
class Author:
    """The author's own passages, to compare with; none are needed.

    `max_overlap` is the longest run of words that an answer may share with them and not with its source.
    """

    texts: tuple[str, ...] = ()
    max_overlap: int = 12

    @cached_property
    def _index(self) -> OverlapIndex:
        return OverlapIndex(self.texts)

    def recited(self, answer: str, source: str) -> str:
        """The run of words that `answer` copies from another text of the author's, "" when it is short enough."""
        if not self.texts:
            return ""
        length, run = longest_overlap(answer, self._index, source)
        return run if length > self.max_overlap else ""

    def distance(self, text: str) -> float:
        """How unlike the author `text` is (`gate/likeness.py`), in nats per word; 0 without texts to compare with."""
        return -self._manner.likeness(text).per_word

    @cached_property
    def _manner(self) -> Manner:
        """Of passages from all over, enough to know the author by: a whole oeuvre would take long."""
        step = max(1, sum(len(text.split()) for text in self.texts) // _SAMPLE_WORDS)
        return Manner(self.texts[::step])


def best(candidates: Sequence[Candidate], source: str, author: Author, cost: Callable[[str], float]) -> Candidate:
    """The candidate that stands highest when places are added up over likeness and cost per word.

    One that only repeats `source` comes after all that say something new. The first of equals wins.
    """
    if len(candidates) == 1:
        return candidates[0]
    unlike = _places([author.distance(c.answer) for c in candidates])
    dear = _places([cost(c.answer) / (len(words(c.answer)) or 1) for c in candidates])
    echoes = [similarity(source, c.answer) > ECHO for c in candidates]
    order = sorted(range(len(candidates)), key=lambda i: (echoes[i], unlike[i] + dear[i], i))
    return candidates[order[0]]


def _places(values: Sequence[float]) -> list[int]:
    """The place of each value among all, from 0 for the smallest; equal values share one."""
    return [sum(other < value for other in values) for value in values]
