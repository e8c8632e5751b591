"""Near duplicates: MinHash signatures of word shingles, candidates by banded LSH, each checked exactly.

The share of equal values in two signatures estimates the Jaccard index of their shingle sets (A. Broder, "On the
resemblance and containment of documents", 1997). Cut into `BANDS` bands of `ROWS` values, two signatures of index s
agree in at least one whole band with probability 1 - (1 - s^ROWS)^BANDS (J. Leskovec, A. Rajaraman, J. Ullman,
"Mining of Massive Datasets", chapter 3): 0.9998 at s = `ALIKE`, 0.15 at s = 0.2. What agrees is then compared
exactly, so the bands decide only how much is compared, and nothing is taken for a duplicate by chance.
"""

from __future__ import annotations

import hashlib
import re
import struct
from functools import lru_cache
from typing import NamedTuple

SHINGLE = 3  # words; with two, common phrases make strangers alike, with four, one changed word costs too much
BANDS, ROWS = 20, 3
ALIKE = 0.7  # Jaccard index: a passage of twenty words in which one word in the middle was changed has 0.71
_VALUES = struct.Struct(f"<{BANDS * ROWS}I")
_WORD = re.compile(r"\w+(?:['’\-]\w+)*")


class Sketch(NamedTuple):
    """What is compared of a text: its shingles as 64-bit numbers, packed, and one hash per band of its signature."""

    shingles: bytes
    bands: tuple[int, ...]


class Seen:
    """Texts that were met, to ask of the next one whether it says the same."""

    def __init__(self) -> None:
        self._met: list[bytes] = []
        self._buckets: dict[tuple[int, int], list[int]] = {}

    def add(self, text: str) -> bool:
        """Remember `text`; False, and nothing remembered, when an earlier one is equal or `ALIKE`."""
        shingles, bands = sketch(text)
        near = {number for band in enumerate(bands) for number in self._buckets.get(band, ())}
        if any(jaccard(shingles, self._met[number]) >= ALIKE for number in near):
            return False
        for band in enumerate(bands):
            self._buckets.setdefault(band, []).append(len(self._met))
        self._met.append(shingles)
        return True


@lru_cache(maxsize=1 << 15)
def sketch(text: str) -> Sketch:
    """The sketch of `text`; case and punctuation do not count. Kept: a corpus is looked at after every event."""
    words = [word.casefold() for word in _WORD.findall(text)] or [text]
    runs = {" ".join(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))}
    # One extendable hash per shingle gives all of its values at once: each position is a hash function of its own.
    digests = [hashlib.shake_128(run.encode()).digest(_VALUES.size) for run in sorted(runs)]
    signature = [min(values) for values in zip(*map(_VALUES.unpack, digests))]
    bands = tuple(hash(tuple(signature[i * ROWS : (i + 1) * ROWS])) for i in range(BANDS))
    return Sketch(b"".join(digest[:8] for digest in digests), bands)


def jaccard(one: bytes, other: bytes) -> float:
    """|one ∩ other| / |one ∪ other| of two packed sets of shingles, from 0 to 1."""
    a, b = (frozenset(memoryview(packed).cast("Q")) for packed in (one, other))
    return len(a & b) / len(a | b)
