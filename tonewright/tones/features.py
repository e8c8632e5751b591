"""What a tone is told by: the small model's vector of a passage, beside the words and pairs of words that it uses.

Imported lazily (by the embedded tagger), which is why numpy may stand at the top.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Length of a typical row of either part. Chosen on the exemplars out of fold, and on the iSarcasm tweets that
# `benchmarks/tone.py` does not report on: words alone are worth little, and beside the vectors more than nothing.
VECTOR, WORDS = 2.4, 1.4
COLUMNS = 2048  # of words, the most frequent of the training set
_BUCKETS = 1 << 18  # two terms in 250,000 share one: no table of words has to be kept
_TERM = re.compile(r"\w+(?:['’]\w+)*|[!?…]|\.\.+")


@dataclass(frozen=True)
class Features:
    """Vectors and texts to rows of width d: standardised vectors, then tf-idf of the terms that training has met."""

    mean: Floats  # (width,)
    scale: Floats  # (width,)
    columns: dict[int, int]  # bucket of a term: its column
    idf: Floats  # (terms,)

    def __call__(self, vectors: ArrayLike, texts: Sequence[str]) -> Floats:
        """Rows of shape (n, width + terms) for n passages."""
        standard = (np.asarray(vectors, dtype=np.float64) - self.mean) / self.scale
        words = np.zeros((len(texts), len(self.columns)))
        for row, text in zip(words, texts):
            for term, count in terms(text).items():
                if term in self.columns:
                    row[self.columns[term]] = (1.0 + np.log(count)) * self.idf[self.columns[term]]
        length = np.linalg.norm(words, axis=1, keepdims=True)
        words *= WORDS / np.where(length > 0, length, 1.0)
        return np.hstack([standard * (VECTOR / np.sqrt(standard.shape[1])), words])


def fit_features(vectors: ArrayLike, texts: Sequence[str]) -> Features:
    """Learn means, deviations and which terms there are; a term that only one passage has tells nothing."""
    X = np.asarray(vectors, dtype=np.float64)
    scale = X.std(axis=0)
    met = Counter(term for text in texts for term in terms(text))
    kept = [(term, n) for term, n in met.most_common(COLUMNS) if n > 1]
    idf = np.log((1.0 + len(texts)) / (1.0 + np.array([n for _, n in kept], dtype=np.float64))) + 1.0
    return Features(
        X.mean(axis=0),
        np.where(scale > 1e-12, scale, 1.0),  # a constant column carries nothing; dividing by 0 would hurt
        {term: i for i, (term, _) in enumerate(kept)},
        idf,
    )


def terms(text: str) -> Counter[int]:
    """How often each word, pair of neighbours and strong punctuation mark occurs, by its bucket."""
    words = _TERM.findall(text.lower().replace("’", "'"))
    pairs = (f"{one} {other}" for one, other in pairwise(words))
    return Counter(zlib.crc32(term.encode()) % _BUCKETS for term in (*words, *pairs))
