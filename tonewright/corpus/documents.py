"""Documents and their passages in the ledger: stored with their marks, retired when the source changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tonewright.ledger.store import Transaction

# Where a hand label was written; the nearer to the words, the more it says about them.
MARK, FRONT_MATTER, FOLDER = "mark", "front matter", "folder"
PRIORITY = (MARK, FOLDER, FRONT_MATTER)


@dataclass(frozen=True)
class Document:
    """One version of one post or note. `version` is a blob id or a content hash, `commit` "" outside Git."""

    origin: str  # git, folder, note
    place: str  # the repository or the watched folder
    path: str
    version: str
    commit: str
    slug: str
    title: str
    written: str  # ISO date, or ""
    summary: str | None


@dataclass(frozen=True)
class HandLabel:
    """A tone that the author wrote; the span is in characters of the whole file."""

    tone: str
    source: str
    start: int
    end: int


@dataclass(frozen=True)
class Excerpt:
    """A passage to be stored: `text` is what `[start:end)` of the file says once the marks are taken out."""

    start: int
    end: int
    line: int
    text: str
    labels: Sequence[HandLabel] = ()


def text_hash(text: str) -> str:
    """The name of a text in the `texts` table."""
    return hashlib.sha256(text.encode()).hexdigest()


def keep_text(tx: Transaction, text: str) -> str:
    """Store a text once; returns its hash."""
    name = text_hash(text)
    tx.execute("INSERT OR IGNORE INTO texts VALUES (?, ?)", (name, text))
    return name


def store(tx: Transaction, event: int, document: Document, excerpts: Iterable[Excerpt]) -> int:
    """Make this version of the document the live one, with its passages and hand labels; returns its row id."""
    retire(tx, document.origin, document.place, document.path)
    summary = keep_text(tx, document.summary) if document.summary else None
    row = tx.execute(
        """INSERT INTO documents(origin, place, path, version, commit_id, slug, title, written, summary_hash, event)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (origin, place, path, version) DO UPDATE SET live = 1 RETURNING id""",
        (
            document.origin,
            document.place,
            document.path,
            document.version,
            document.commit,
            document.slug,
            document.title,
            document.written,
            summary,
            event,
        ),
    ).fetchone()
    for excerpt in excerpts:
        _store_passage(tx, int(row[0]), excerpt)
    return int(row[0])


def retire(tx: Transaction, origin: str, place: str, path: str) -> int:
    """No version of this document is live any more; returns how many were."""
    return tx.execute(
        "UPDATE documents SET live = 0 WHERE origin = ? AND place = ? AND path = ? AND live = 1",
        (origin, place, path),
    ).rowcount


def _store_passage(tx: Transaction, document: int, excerpt: Excerpt) -> None:
    name = keep_text(tx, excerpt.text)
    row = tx.execute(
        """INSERT INTO passages(document, span_start, span_end, line, text_hash, words, created)
           VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET line = excluded.line RETURNING id""",
        (document, excerpt.start, excerpt.end, excerpt.line, name, len(excerpt.text.split()), tx.now),
    ).fetchone()
    for label in excerpt.labels:
        tx.execute(
            """INSERT OR IGNORE INTO labels(text_hash, passage, origin, source, tone, span_start, span_end, created)
               VALUES (?, ?, 'hand', ?, ?, ?, ?, ?)""",
            (name, row[0], label.source, label.tone, label.start, label.end, tx.now),
        )
