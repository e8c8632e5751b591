"""Training runs in the ledger: what each is made of, and how far it has come."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tonewright.ledger.store import Ledger, Transaction
from tonewright.models.registry import Model

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


def place(ledger: Ledger, run: str, host: str) -> None:
    """Say which host has taken it."""
    with ledger.transaction() as tx:
        tx.execute("UPDATE runs SET host = ?, updated = ? WHERE id = ?", (host, tx.now, run))


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


def describe(run: Run) -> str:
    """One line on how far a run has come."""
    told = run.progress.get("progress") or {}
    if run.step == POLL and told.get("phase") == "preference" and told.get("steps"):
        return (
            f"learning from corrections: step {told['step']} of {told['steps']}, "
            f"{told.get('reward_accuracy') or 0:.0%} of its pairs as preferred, "
            f"{told.get('eta_seconds') or 0:.0f} s to go" + "".join(f"; {change}" for change in told.get("changes", []))
        )
    if run.step == POLL and told.get("steps"):
        return (
            f"training: step {told.get('step', 0)} of {told['steps']}, loss {told.get('loss') or float('nan'):.3f}, "
            f"{told.get('tokens_per_second') or 0:.0f} tokens/s, {told.get('eta_seconds') or 0:.0f} s to go"
            + "".join(f"; {change}" for change in told.get("changes", []))
        )
    if run.step == JUDGE:
        return f"before the gate: {run.progress.get('gate', 'opening the models')}"
    if run.step == POLL:
        return f"on the host: {told.get('phase') or run.progress.get('state', 'queued')}"
    return {
        SHIP: "sending it to the host",
        START: "starting",
        FETCH: "fetching the adapter",
        VERIFY: "comparing llama.cpp with the trainer",
        FINISHED: "finished",
    }[run.step]


def told(run: Run, state: Path, model: Model | None) -> dict[str, Any]:
    """The run with what came of it (`model`), and the trainer's figures: those that came back, or the last that the
    host told while it goes on."""
    file = state / "models" / run.id / "metrics.json"
    metrics = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    live = run.progress.get("progress") or {}
    losses = metrics.get("losses") or live.get("losses") or []
    preference = metrics.get("preference", {}).get("losses") or live.get("preference") or []
    verdict = {"verdict": model.verdict if model else "", "model": model.id if model else None}
    curves = {"losses": losses, "preference": preference}
    return {**asdict(run), **verdict, "how": describe(run), "metrics": metrics, **curves}


def _select(ledger: Ledger, where: str, *parameters: Any) -> list[Run]:
    rows = ledger.read(
        f"""SELECT id, snapshot, event, host, recipe, base, step, progress, created, updated
            FROM runs WHERE {where}""",  # noqa: S608 - constants of this module
        parameters,
    )
    return [Run(*(json.loads(value) if column == 7 else value for column, value in enumerate(row))) for row in rows]
