"""Finding passages: the words that were asked for, and others for those that the author hardly uses.

A word that the author hardly uses is either one that the base knows, and then those that mean nearly the same stand in
for it; or it is misspelt, and then those that are spelt alike do. Each of the three groups of words is scored by FTS5's
BM25, which is a sum over words, so that the weighted sum of the three is the score of a weighted query. Vectors of
whole passages, alone and fused by rank, find less: `benchmarks/search.py`.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from tonewright.gate.language import is_content
from tonewright.models.words import WordVectors
from tonewright.search.chunks import Chunk
from tonewright.search.index import Index, Vocabulary, words_of

_SPELT, _MEANT = 0.7, 0.5  # what a word counts that was not asked for but is like one that was
_LEAST_SPELT, _LEAST_MEANT = 0.45, 0.3  # shared letter groups (Dice); cosine
_NEIGHBOURS = 3
_CLOSE = 0.8  # of two spellings, one that shares so much less than the best is not meant
_HARDLY_KNOWN = 3  # a word in fewer chunks may be misspelt
# Chunks that are scored for a group of words, for those asked for twice as many; the rarest words come first, since
# common ones tell little and cost much.
_ROWS = 5_000
_KEPT = 500  # chunks of each group that are added up
_AGAIN = 250  # of the best by the rarer words, scored by the common ones as well
_MOST_WORDS = 24  # of a query; of a longer text, the most telling ones


@dataclass(frozen=True)
class Passage:
    """A chunk that was found. `score` compares within one search only."""

    chunk: Chunk
    score: float


@dataclass(frozen=True)
class Question:
    """The words of a query in three groups, each {word: chunks that hold it}."""

    every: tuple[str, ...]  # all telling words of the question, known or not
    asked: dict[str, int]
    spelt: dict[str, int]  # like words that are hardly used and unknown to the base
    meant: dict[str, int]  # near in meaning to words that are hardly used
    like: dict[str, list[str]]  # for each of these, what stands for it

    @property
    def words(self) -> list[str]:
        """All of them."""
        return [*self.asked, *self.spelt, *self.meant]


class Meaning:
    """A base's word vectors, and those among them that stand for a word of the index."""

    def __init__(self, vectors: WordVectors) -> None:
        self._vectors = vectors
        self._of: tuple[Vocabulary, WordVectors] | None = None

    def near(self, index: Index, words: Sequence[str]) -> dict[str, list[str]]:
        """Words of the index for each of `words`."""
        known = index.vocabulary
        if self._of is None or self._of[0] is not known:
            self._of = known, self._vectors.among(known.words)
        return self._vectors.near(words, self._of[1], _NEIGHBOURS, _LEAST_MEANT)


def understand(index: Index, meaning: Meaning | None, text: str) -> Question:
    """What to look for: the telling words of `text`, with others for those that the author hardly uses.

    Without `meaning`, only what is spelt alike can stand in.
    """
    counts = index.vocabulary.stems
    asked = _telling(index, text)
    rare = [word for word, stem in asked.items() if counts.get(stem, 0) < _HARDLY_KNOWN]
    meant = meaning.near(index, rare) if meaning else {}
    spelt = {word: _spelt_like(index, word) for word in rare if word not in meant}
    known = {word: counts[stem] for word, stem in asked.items() if counts.get(stem)}
    stems = set(asked.values())

    def counted(likes: dict[str, list[str]]) -> dict[str, int]:
        words = list(dict.fromkeys(word for like in likes.values() for word in like))
        return {word: counts[stem] for word, stem in zip(words, index.stems(words)) if stem not in stems}

    return Question(tuple(asked), known, counted(spelt), counted(meant), {**spelt, **meant})


def search(
    index: Index, question: Question, limit: int, *, kind: str = "", without: Iterable[str] = ()
) -> list[Passage]:
    """The best `limit` passages, the best first. `kind` is post, note or "" for both; `without` are paths."""
    scores: dict[int, float] = defaultdict(float)
    common: list[str] = []
    for words, weight, rows in (
        (question.asked, 1.0, 2 * _ROWS),
        (question.spelt, _SPELT, _ROWS),
        (question.meant, _MEANT, _ROWS),
    ):
        picked = _rarest(words, rows)
        if weight == 1.0:
            common = [word for word in words if word not in picked]
        for chunk, score in _scored(index, picked, kind):
            scores[chunk] += weight * score
    for path in without:
        for (chunk,) in index.db.execute("SELECT id FROM chunks WHERE path = ?", (path,)):
            scores.pop(chunk, None)
    best = sorted(scores.items(), key=lambda told: (-told[1], told[0]))
    if common:
        best = _with_common(index, common, best[: max(limit, _AGAIN)])
    return _passages(index, best[:limit])


def one_each(passages: Iterable[Passage], limit: int) -> list[Passage]:
    """The best passage of each post or note."""
    best: dict[str, Passage] = {}
    for passage in passages:
        best.setdefault(passage.chunk.path, passage)
    return list(best.values())[:limit]


def _telling(index: Index, text: str) -> dict[str, str]:
    """{word: stem} by tf-idf, one word of each stem, at most `_MOST_WORDS`."""
    counts = Counter(words_of(text))
    words = [word for word in counts if is_content(word)] or list(counts)
    total, known = index.vocabulary.chunks, index.vocabulary.stems
    found = sorted(
        zip(words, index.stems(words)),
        key=lambda told: -counts[told[0]] * math.log(1 + total / (1 + known.get(told[1], 0))),
    )
    once: dict[str, str] = {}
    for word, stem in found:
        once.setdefault(stem, word)
    return {word: stem for stem, word in list(once.items())[:_MOST_WORDS]}


def _spelt_like(index: Index, word: str) -> list[str]:
    if len(word) < 4 or not word.isalpha():
        return []
    grams, known = _letter_groups(word), index.vocabulary.words
    rated = []
    for other in index.spelt_like(word, 100):
        theirs = _letter_groups(other)
        shared = 2 * len(grams & theirs) / (len(grams) + len(theirs))
        if other != word and shared >= _LEAST_SPELT:
            rated.append((shared + 0.02 * math.log(1 + known[other]), other))
    rated.sort(reverse=True)
    return [other for shared, other in rated[:_NEIGHBOURS] if shared >= _CLOSE * rated[0][0]]


def _letter_groups(word: str) -> set[str]:
    padded = f"<{word}>"
    return {padded[i : i + n] for n in (2, 3) for i in range(len(padded) - n + 1)}


def _rarest(words: dict[str, int], room: int) -> list[str]:
    """The rarest of `words`, as many as are in `room` chunks, one at least."""
    picked: list[str] = []
    for word, count in sorted(words.items(), key=lambda told: told[1]):
        if count and (count <= room or not picked):
            picked.append(word)
            room -= count
    return picked


def _scored(index: Index, words: list[str], kind: str) -> list[tuple[int, float]]:
    """(chunk, BM25) of the best chunks with any of `words`."""
    if not words:
        return []
    only, parameters = "", [_match(words)]
    if kind:
        only, parameters = "AND rowid IN (SELECT id FROM chunks WHERE kind = ?)", [*parameters, kind]
    return [
        (int(chunk), -float(rank))
        for chunk, rank in index.db.execute(
            f"SELECT rowid, rank FROM search WHERE search MATCH ? {only} ORDER BY rank LIMIT {_KEPT}",  # noqa: S608
            parameters,
        )
    ]


def _with_common(index: Index, words: list[str], best: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """(chunk, score) with what FTS5 would have added for `words`, had there been room: BM25 with its k1 and b."""
    known = index.vocabulary
    stems = index.stems(words)
    stem_of = {form: stem for stem in stems for form in known.forms[stem]}
    rarity = {s: math.log(max((known.chunks - known.stems[s] + 0.5) / (known.stems[s] + 0.5), 1.001)) for s in stems}
    scores = dict(best)
    for chunk, text in index.db.execute(
        "SELECT id, text FROM chunks WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(scores)),)
    ):
        said = words_of(text)
        length = 1.2 * (0.25 + 0.75 * len(said) / known.length)
        times = Counter([stem_of[word] for word in said if word in stem_of])
        scores[chunk] += sum(rarity[stem] * 2.2 * count / (count + length) for stem, count in times.items())
    return sorted(scores.items(), key=lambda told: (-told[1], told[0]))


def _match(words: Sequence[str]) -> str:
    return " OR ".join(f'"{word}"' for word in words)


def _passages(index: Index, best: list[tuple[int, float]]) -> list[Passage]:
    columns = ", ".join(field.name for field in fields(Chunk))
    rows = {
        row[0]: Chunk(*row)
        for row in index.db.execute(
            f"SELECT {columns} FROM chunks WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608
            (json.dumps([chunk for chunk, _ in best]),),
        )
    }
    return [Passage(rows[chunk], score) for chunk, score in best]
