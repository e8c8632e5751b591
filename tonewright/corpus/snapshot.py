"""A frozen list of rows: what one training run is made of, and what the next one counts from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tonewright.corpus.export import write_lines
from tonewright.corpus.rows import Row
from tonewright.ledger.store import Ledger, Transaction

TRAIN_FILE, HELD_OUT_FILE = "train.jsonl", "heldout.jsonl"


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


def write(rows: list[Row], folder: Path) -> dict[str, int]:
    """Write the two files that a training job reads; returns {file: rows}."""
    train = [r for r in rows if not r.held_out]
    held = [r for r in rows if r.held_out]
    return {
        name: write_lines((r.as_json() for r in part), folder / name)[0]
        for name, part in ((TRAIN_FILE, train), (HELD_OUT_FILE, held))
    }
