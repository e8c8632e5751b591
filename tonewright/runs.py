"""Training runs in the ledger: what each is made of, and how far it has come."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from tonewright.ledger.store import Ledger, Transaction

# A run goes through these in order; every step can be done again without harm after a crash in its middle.
SHIP, START, POLL, FETCH, VERIFY, JUDGE, FINISHED = (
    "ship",
    "start",
    "poll",
    "fetch",
    "verify",
    "judge",
    "finished",
)


@dataclass(frozen=True)
class Run:
    """One row of `runs`; `progress` is the last that the host told of it."""

    id: str
    snapshot: str
    event: int
    host: str
    recipe: str
    base: str
    step: str
    progress: dict[str, Any]
    created: float
    updated: float


def name(*, snapshot: str, recipe: str, base: str, code: str) -> str:
    """A run is named by what goes into it (hashes), so the same inputs never train twice."""
    return hashlib.sha256("\n".join([snapshot, recipe, base, code]).encode()).hexdigest()[:16]


def add(tx: Transaction, run: Run) -> None:
    """Record a run; one that is known already stays as it is, but belongs to the newer event."""
    tx.execute(
        """INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, '{}', ?, ?)
           ON CONFLICT (id) DO UPDATE SET event = excluded.event, updated = excluded.updated""",
        (run.id, run.snapshot, run.event, run.host, run.recipe, run.base, run.step, tx.now, tx.now),
    )


def advance(ledger: Ledger, run: str, step: str) -> None:
    """Say that everything before `step` is behind us."""
    with ledger.transaction() as tx:
        tx.execute("UPDATE runs SET step = ?, updated = ? WHERE id = ?", (step, tx.now, run))


def report(ledger: Ledger, run: str, progress: dict[str, Any]) -> None:
    """Keep the host's last word."""
    with ledger.transaction() as tx:
        tx.execute("UPDATE runs SET progress = ?, updated = ? WHERE id = ?", (json.dumps(progress), tx.now, run))


def of_event(ledger: Ledger, event: int) -> Run | None:
    """The run that a retrain event has begun, or None."""
    found = _select(ledger, "event = ? ORDER BY created DESC LIMIT 1", event)
    return found[0] if found else None


def every(ledger: Ledger) -> list[Run]:
    """All runs, newest first."""
    return _select(ledger, "? ORDER BY created DESC", 1)


def _select(ledger: Ledger, where: str, *parameters: Any) -> list[Run]:
    rows = ledger.read(
        f"""SELECT id, snapshot, event, host, recipe, base, step, progress, created, updated
            FROM runs WHERE {where}""",  # noqa: S608 - constants of this module
        parameters,
    )
    return [Run(*(json.loads(value) if column == 7 else value for column, value in enumerate(row))) for row in rows]
