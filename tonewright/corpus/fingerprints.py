"""What a model of ours wrote, remembered as hashes, so that it is never taken for the author's own words.

A shingle is `SHINGLE` words in a row, without case, punctuation and markup. Shorter ones are common property
("one of the"), so that much of anybody's text would be known after a while; longer ones are lost with every word
that is touched, so that one edit in eight words would hide a whole passage. A text with fewer words is remembered
as a whole and known only as a whole.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from tonewright.ledger.store import Ledger

SHINGLE = 4  # words
OURS = 0.8  # from this share on, a passage is the model's and not the author's
_WORD = re.compile(r"\w+(?:['’\-]\w+)*")


class Ledgerlike(Protocol):
    """Something that answers a query: a `Ledger`, or a `Glance` at one."""

    def read(self, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        ...


class Glance:
    """A ledger that is only looked at: never made, never migrated, and silent when it cannot be read."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def at(cls, state: Path) -> Glance | None:
        """The ledger in the state folder `state`; None when there is none."""
        file = state / "ledger.db"
        if not file.is_file():
            return None
        return cls(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0))

    def read(self, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, none when the file is locked, older than the query or no ledger."""
        try:
            return self._db.execute(sql, tuple(parameters)).fetchall()
        except sqlite3.DatabaseError:
            return []

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def remember(ledger: Ledger, written: str, instead_of: str = "") -> None:
    """Remember what the model put in the place of `instead_of`. Runs of words that stood there already are the
    author's, and are not remembered."""
    new = _shingles(written) - _shingles(instead_of)
    with ledger.transaction() as tx:
        for shingle in sorted(new):
            tx.execute("INSERT OR IGNORE INTO own_output VALUES (?, ?)", (shingle, tx.now))


def share_written(ledger: Ledgerlike, text: str) -> float:
    """The share (0 to 1) of the shingles of `text` that a model of ours wrote; 0 for a text without words."""
    shingles = _shingles(text)
    if not shingles:
        return 0.0
    known = ledger.read(
        "SELECT count(*) FROM own_output WHERE shingle IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(shingles)),),
    )
    return float(known[0][0]) / len(shingles) if known else 0.0


def _shingles(text: str) -> set[str]:
    """64-bit hashes of every run of `SHINGLE` words, or of the whole of a shorter text."""
    words = [word.casefold() for word in _WORD.findall(text)]
    if not words:
        return set()
    if len(words) < SHINGLE:
        return {_hash(["", *words])}  # the empty word keeps a whole text apart from a run within one
    return {_hash(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)}


def _hash(words: list[str]) -> str:
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]
