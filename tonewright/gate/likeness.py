"""How far a set of texts is from the author's in manner, whatever they are about."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tonewright.gate.language import FUNCTION_WORDS, sentences, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PUNCTUATION = (",", ";", ":", ".", "!", "?", "…", "—", "–", "(", '"', "“")
_PIECE = 200  # words of one piece of the author's text: the spread between pieces is the yardstick
_PIECES = 5  # fewer say nothing about spread
_SHORT, _LONG = 5, 25  # words in a short and in a long sentence
_DRAWS = 400


class Likeness(NamedTuple):
    """A distance from the author (0 is the author's average) and its 95 % bootstrap interval."""

    distance: float
    low: float
    high: float


def likeness(texts: Sequence[str], author: Sequence[str], *, seed: int = 0) -> Likeness | None:
    """The distance of `texts` from the `author`'s texts; None when either is too small to tell.

    After J. Burrows, "Delta: a measure of stylistic difference" (Literary and Linguistic Computing 17(3),
    2002). With f_i the rate of feature i per word, and m_i and s_i its mean and standard deviation over
    pieces of the author's texts, the distance is mean_i |f_i(texts) - m_i| / s_i. The features are function
    words, punctuation marks, and the sentences' rhythm: mean and spread of their lengths, share of short and
    of long ones. Features that do not vary in the author's texts are left out. The interval comes from
    drawing `texts` with replacement.

    The distance of a small set is larger than that of a big one, so compare sets of about the same size only.
    """
    import numpy as np

    pieces = np.array([_counts(piece) for piece in _pieces(author)])
    rows = np.array([_counts(text) for text in texts if words(text)])
    if len(pieces) < _PIECES or len(rows) == 0:
        return None
    known = _rates(pieces)
    mean, spread = known.mean(axis=0), known.std(axis=0, ddof=1)
    used = spread > 0
    picks = np.random.default_rng(seed).integers(0, len(rows), size=(_DRAWS, len(rows)))
    totals = np.concatenate([rows.sum(axis=0)[None], rows[picks].sum(axis=1)])
    distances = (np.abs(_rates(totals) - mean)[:, used] / spread[used]).mean(axis=1)
    low, high = np.percentile(distances[1:], (2.5, 97.5))
    return Likeness(float(distances[0]), float(low), float(high))


def _pieces(texts: Sequence[str]) -> list[str]:
    """The texts joined until each piece has `_PIECE` words; what is left at the end is dropped."""
    pieces: list[str] = []
    held, size = [], 0
    for text in texts:
        held.append(text)
        size += len(words(text))
        if size >= _PIECE:
            pieces.append("\n\n".join(held))
            held, size = [], 0
    return pieces


def _counts(text: str) -> list[float]:
    """Sums that can be added up over texts: words, function words, punctuation, and five about sentences."""
    said = Counter(words(text))
    lengths = [n for n in (len(words(s)) for s in sentences(text)) if n]
    return [
        said.total() or 1,
        *(said[w] for w in FUNCTION_WORDS),
        *(len(re.findall(re.escape(mark), text)) for mark in _PUNCTUATION),
        len(lengths) or 1,
        sum(lengths),
        sum(n * n for n in lengths),
        sum(n <= _SHORT for n in lengths),
        sum(n >= _LONG for n in lengths),
    ]


def _rates(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features from summed counts, shape (sets, features)."""
    import numpy as np

    per_word = counts[:, 1:-5] / counts[:, :1]
    number = counts[:, -5]
    mean = counts[:, -4] / number
    spread = np.sqrt(np.maximum(counts[:, -3] / number - mean**2, 0.0))
    rhythm = np.stack([mean, spread, counts[:, -2] / number, counts[:, -1] / number], axis=1)
    return np.concatenate([per_word, rhythm], axis=1)
