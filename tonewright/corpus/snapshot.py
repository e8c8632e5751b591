"""A frozen list of rows: what one training run is made of, and what the next one counts from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tonewright.corpus.export import write_lines
from tonewright.corpus.rows import CORRECTION, Row
from tonewright.ledger.store import Ledger, Transaction

TRAIN_FILE, HELD_OUT_FILE, PREFERENCE_FILE = "train.jsonl", "heldout.jsonl", "preference.jsonl"
FILES = (TRAIN_FILE, HELD_OUT_FILE, PREFERENCE_FILE)


@dataclass(frozen=True)
class Snapshot:
    """`id` is a hash of the row ids, so equal content is the same snapshot."""

    id: str
    row_ids: frozenset[str]
    created: float


def freeze(tx: Transaction, rows: list[Row]) -> Snapshot:
    """Record the rows as a snapshot."""
    ids = sorted(r.id for r in rows)
    name = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
    row = tx.execute(
        "INSERT INTO snapshots VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET created = created RETURNING created",
        (name, json.dumps(ids), tx.now),
    ).fetchone()
    return Snapshot(name, frozenset(ids), row[0])


def latest(ledger: Ledger) -> Snapshot | None:
    """The newest snapshot, or None before the first."""
    rows = ledger.read("SELECT id, rows, created FROM snapshots ORDER BY created DESC LIMIT 1")
    return Snapshot(rows[0][0], frozenset(json.loads(rows[0][1])), rows[0][2]) if rows else None


def load(ledger: Ledger, name: str) -> Snapshot:
    """The snapshot called `name`."""
    found = ledger.read("SELECT id, rows, created FROM snapshots WHERE id = ?", (name,))
    return Snapshot(found[0][0], frozenset(json.loads(found[0][1])), found[0][2])


def divided(rows: list[Row], *, second: Callable[[int], bool]) -> dict[str, list[Row]]:
    """{file: its rows} of a training job.

    Corrections are preference pairs and nothing else, since most of their words are a model's: those of held-out posts
    are in no file, and the others in one where `second` says that so many make a second stage.
    """
    parts: dict[str, list[Row]] = {TRAIN_FILE: [], HELD_OUT_FILE: []}
    pairs = []
    for row in rows:
        if row.kind != CORRECTION:
            parts[HELD_OUT_FILE if row.held_out else TRAIN_FILE].append(row)
        elif not row.held_out:
            pairs.append(row)
    return {**parts, PREFERENCE_FILE: pairs} if second(len(pairs)) else parts


def write(parts: dict[str, list[Row]], folder: Path) -> None:
    """Write the files that a training job reads."""
    for name, rows in parts.items():
        write_lines((row.as_json() for row in rows), folder / name)
