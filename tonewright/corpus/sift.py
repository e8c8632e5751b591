"""Which rows are left out of the corpus although their text is the author's: secrets, repetitions, too many."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tonewright.corpus.minhash import Seen
from tonewright.secrets import find_secrets

if TYPE_CHECKING:
    from tonewright.config.schema import Rows
    from tonewright.corpus.rows import Row

CONTINUATION = "continuation"
SECRET, DUPLICATE, MANY = "a secret", "a duplicate", "too many of its kind"


@dataclass(frozen=True)
class Sifted:
    """The rows that stay, in the order in which they came, and {why: how many} of the others."""

    rows: list[Row]
    left_out: dict[str, int]


def sift(rows: Iterable[Row], settings: Rows) -> Sifted:
    """Leave out secrets, then duplicates (the earliest stays), then what is above the caps.

    Rows of different kinds may share an answer: a passage can be both rewritten and revised. Among rows of one kind
    a repeated answer is left out however it was asked for, since repetition is what makes a model recite.
    """
    left_out: Counter[str] = Counter()
    seen: defaultdict[str, Seen] = defaultdict(Seen)
    kept = []
    for row in rows:
        if any(map(_has_secret, (row.answer, row.source_text, row.rejected))):
            left_out[SECRET] += 1
        elif not seen[row.kind].add(row.answer):
            left_out[DUPLICATE] += 1
        else:
            kept.append(row)
    capped = _capped(kept, settings)
    if len(capped) < len(kept):
        left_out[MANY] = len(kept) - len(capped)
    return Sifted(capped, dict(left_out))


def _capped(rows: Sequence[Row], settings: Rows) -> list[Row]:
    """At most `per_source` rows of one document, and `continuations` for each other row."""
    sources: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        sources[row.source["origin"], row.source["path"]].append(row)
    stay = {r.id for of_one in sources.values() for r in _some(of_one, settings.per_source)}
    following = [r for r in rows if r.id in stay and r.kind == CONTINUATION]
    others = len(stay) - len(following)
    stay -= {r.id for r in following} - {r.id for r in _some(following, round(settings.continuations * others))}
    return [r for r in rows if r.id in stay]


def _some(rows: Sequence[Row], most: int) -> Sequence[Row]:
    """`most` of the rows, from all over the document and hardly others when it grows: those of the lowest hashes."""
    return rows if len(rows) <= most else sorted(rows, key=lambda r: hashlib.sha256(r.id.encode()).digest())[:most]


@lru_cache(maxsize=1 << 15)
def _has_secret(text: str) -> bool:
    return bool(find_secrets(text))
