"""Documents and their passages in the ledger: stored with their marks, retired when the source changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tonewright.corpus import hand_tags
from tonewright.corpus.hand_tags import MARK, TAG
from tonewright.ledger.store import Transaction

# Where a hand label was written; the nearer to the words, the more it says about them. A tag was meant for these words
# and nothing else; it yields to marks that are newer (`hand_tags`).
FRONT_MATTER, FOLDER = "front matter", "folder"
PRIORITY = (TAG, MARK, FOLDER, FRONT_MATTER)

# What the hashes in the table `forgotten` name.
FORGOTTEN_TEXT, FORGOTTEN_FILE, FORGOTTEN_ROW = "text", "file", "row"


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


def is_forgotten(tx: Transaction, text: str) -> bool:
    """Whether the author wants this very text to be nowhere."""
    known = "SELECT 1 FROM forgotten WHERE kind = ? AND hash = ?"
    return tx.execute(known, (FORGOTTEN_TEXT, text_hash(text))).fetchone() is not None


def store(tx: Transaction, event: int, document: Document, excerpts: Iterable[Excerpt]) -> int:
    """Make this version of the document the live one, with its passages and hand labels; returns its row id.

    What was forgotten stays out, and the copy of a file that holds it is forgotten too. A document of which nothing is
    left is not live.
    """
    _retire(tx, document.origin, document.place, document.path)
    told = list(excerpts)
    kept = [excerpt for excerpt in told if not is_forgotten(tx, excerpt.text)]
    public = document.summary if document.summary and not is_forgotten(tx, document.summary) else None
    summary = keep_text(tx, public) if public else None
    lost = len(kept) < len(told) or (public or "") != (document.summary or "")
    if lost and document.origin != "git":
        for name in document.version.split("+"):
            tx.execute(
                "INSERT OR IGNORE INTO forgotten VALUES (?, ?, ?, ?)", (name, FORGOTTEN_FILE, document.path, tx.now)
            )
    row = tx.execute(
        """INSERT INTO documents
               (origin, place, path, version, commit_id, slug, title, written, summary_hash, event, live)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (origin, place, path, version) DO UPDATE SET live = excluded.live RETURNING id""",
        (
            document.origin,
            document.place,
            document.path,
            document.version,
            document.commit,
            document.slug,
            document.title if kept or not lost else "",
            document.written,
            summary,
            event,
            int(bool(kept or summary or not lost)),
        ),
    ).fetchone()
    for excerpt in kept:
        _store_passage(tx, int(row[0]), excerpt)
    hand_tags.settle(tx, document.origin, document.place, document.path)
    return int(row[0])


def retire(tx: Transaction, origin: str, place: str, path: str) -> int:
    """No version of this document is live any more; returns how many were."""
    were = _retire(tx, origin, place, path)
    hand_tags.settle(tx, origin, place, path)
    return were


def _retire(tx: Transaction, origin: str, place: str, path: str) -> int:
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
