"""Answering a question from the posts: the author's own sentences with their source, or that the posts do not tell.

Nothing is made up, because nothing is made: an answer is a quotation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tonewright.gate.language import sentences
from tonewright.search.archive import Archive
from tonewright.search.chunks import Chunk
from tonewright.search.index import words_of
from tonewright.search.query import Question, search

_PASSAGES = 30  # looked through for sentences
_TELLS = 0.6  # share of the question's weight that a passage must hold, or the posts do not tell
_SENTENCE_TELLS = 0.5  # the same for the sentence that is quoted, a quarter of it for what stands around


@dataclass(frozen=True)
class Quotation:
    """A sentence of the author's, where it stands, and the share of the question that it covers."""

    sentence: str
    chunk: Chunk
    covers: float


def answer(archive: Archive, text: str, limit: int) -> list[Quotation]:
    """The best sentences, at most one of each post, the best first; none when the posts do not tell."""
    question = archive.understand(text)
    words = _words(archive, question)
    best: dict[str, Quotation] = {}
    for passage in search(archive.index, question, _PASSAGES):
        chunk = passage.chunk
        around = _covered(archive, words, f"{chunk.title} {chunk.headings} {chunk.text}")
        if around < _TELLS:
            continue
        for sentence in sentences(chunk.text):
            covers = (3 * _covered(archive, words, sentence) + around) / 4
            known = best.get(chunk.path)
            if covers >= _SENTENCE_TELLS and (known is None or covers > known.covers):
                best[chunk.path] = Quotation(sentence, chunk, covers)
    return sorted(best.values(), key=lambda told: -told.covers)[:limit]


@dataclass(frozen=True)
class _Word:
    """A word of the question: its stem, those of the words that may stand for it, its share of the whole by rarity."""

    stem: str
    like: frozenset[str]
    share: float


def _words(archive: Archive, question: Question) -> list[_Word]:
    index = archive.index
    rated = []
    for word in question.every:
        stem, *like = index.stems([word, *question.like.get(word, [])])
        rarity = math.log(1 + index.vocabulary.chunks / (1 + index.vocabulary.stems.get(stem, 0)))
        rated.append(_Word(stem, frozenset(like), rarity))
    whole = sum(word.share for word in rated) or 1.0
    return [_Word(word.stem, word.like, word.share / whole) for word in rated]


def _covered(archive: Archive, words: list[_Word], text: str) -> float:
    """The share of the question that `text` has words for; one that stands in for another counts half."""
    held = set(archive.index.stems(words_of(text)))
    exact = sum(word.share for word in words if word.stem in held)
    return exact + sum(word.share / 2 for word in words if word.stem not in held and not word.like.isdisjoint(held))
