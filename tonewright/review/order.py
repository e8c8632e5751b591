"""Which passages are worth asking about first: those that the tagger is unsure of and that say something new."""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tonewright.ledger.store import Ledger

_WORD = re.compile(r"\w+(?:['’\-]\w+)*")


@dataclass(frozen=True)
class Candidate:
    """A passage that nobody has decided on; `uncertainty` is 0 to 1."""

    passage: int
    words: frozenset[str]
    uncertainty: float


def waiting(ledger: Ledger, threshold: float, limit: int) -> list[int]:
    """Row ids of at most `limit` live passages without a label by hand, the most telling first."""
    rows = ledger.read(
        """SELECT p.id, t.text, EXISTS (SELECT 1 FROM labels h WHERE h.passage = p.id AND h.origin = 'hand')
           FROM passages p JOIN documents d ON d.id = p.document AND d.live = 1
           JOIN texts t ON t.hash = p.text_hash ORDER BY p.id"""
    )
    said = _suggestions(ledger)
    texts = {passage: _words(text) for passage, text, _ in rows}
    decided = [texts[passage] for passage, _, by_hand in rows if by_hand]
    candidates = [
        Candidate(passage, texts[passage], uncertainty(said.get(passage, []), threshold))
        for passage, _, by_hand in rows
        if not by_hand
    ]
    return most_telling(candidates, decided, limit)


def uncertainty(suggestions: Sequence[tuple[str, float]], threshold: float) -> float:
    """How unsure the (tone, confidence) of several taggers leave us, 0 to 1.

    One minus the surest. Where they contradict each other, and where there is none, somewhere between no confidence
    and what the tagger would have needed to speak.
    """
    unsaid = 1.0 - threshold / 2
    if not suggestions:
        return unsaid
    doubt = 1.0 - max(confidence for _, confidence in suggestions)
    return max(doubt, unsaid) if len({tone for tone, _ in suggestions}) > 1 else doubt


def most_telling(candidates: Iterable[Candidate], decided: Iterable[frozenset[str]], limit: int) -> list[int]:
    """Greedily the candidates of highest uncertainty × novelty, each chosen one counting as decided for the next.

    Novelty is the share of a passage's words, weighted by how rare they are, that no decided passage has. It only
    falls as more is decided, so an old value is a bound, and most candidates are never weighed again (M. Minoux,
    "Accelerated greedy algorithms for maximizing submodular set functions", 1978).
    """
    open_, covered = list(candidates), set[str]().union(*decided)
    spread = Counter(word for candidate in open_ for word in candidate.words)
    weight = {word: math.log((1 + len(open_)) / count) for word, count in spread.items()}

    def worth(candidate: Candidate) -> float:
        whole = sum(weight[word] for word in candidate.words) or 1.0
        return candidate.uncertainty * sum(weight[word] for word in candidate.words - covered) / whole

    heap = [(-worth(candidate), number) for number, candidate in enumerate(open_)]
    heapq.heapify(heap)
    chosen: list[int] = []
    while heap and len(chosen) < limit:
        number = heap[0][1]
        now = -worth(open_[number])
        if heap[0][0] < now:  # it was worth more when it was weighed last
            heapq.heapreplace(heap, (now, number))
            continue
        heapq.heappop(heap)
        chosen.append(open_[number].passage)
        covered |= open_[number].words
    return chosen


def _suggestions(ledger: Ledger) -> dict[int, list[tuple[str, float]]]:
    """{passage: (tone, confidence) of each tagger, of its newest version}."""
    found: dict[int, dict[str, tuple[str, float]]] = {}
    for passage, source, tone, confidence in ledger.read(
        "SELECT passage, source, tone, confidence FROM labels WHERE origin = 'machine' ORDER BY id"
    ):
        found.setdefault(passage, {})[source.partition(" ")[0]] = (tone, confidence or 0.0)
    return {passage: list(by_tagger.values()) for passage, by_tagger in found.items()}


def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORD.findall(text))
