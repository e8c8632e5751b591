"""Which trained models there are, and which one writes: champion, challenger, previous."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tonewright.errors import NothingToDo, TonewrightError, UsageError
from tonewright.ledger.store import Ledger, Transaction
from tonewright.models.base import sha256_of

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
ADAPTER_FILE = "adapter.gguf"
REPORT_TEXT, REPORT_PAGE = "report.md", "report.html"  # what the gate said, beside the adapter


@dataclass(frozen=True)
class Model:
    """One trained adapter with the gate's word on it."""

    id: int
    run: str
    folder: Path
    adapter_sha256: str
    verdict: str  # promoted or refused
    report: dict[str, Any]
    created: float
    base: str
    stale: str = ""  # what it saw and should not have, as far as that is written down; see `corpus/lineage.py`

    @property
    def adapter(self) -> Path:
        """The adapter file; raises `TonewrightError` when it is not the one that passed the gate."""
        file = self.folder / ADAPTER_FILE
        if not file.is_file():
            raise TonewrightError(f"{file} is missing", "`tonewright retrain --now` makes it again")
        if sha256_of(file) != self.adapter_sha256:
            raise TonewrightError(f"{file} has changed since it was checked", "`tonewright model rollback` or retrain")
        return file


def add(tx: Transaction, run: str, folder: Path, sha256: str, verdict: str, report: dict[str, Any]) -> int:
    """Record what the gate said of a run's adapter; returns the model's number."""
    row = tx.execute(
        """INSERT INTO models(run, folder, adapter_sha256, verdict, report, created) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (run) DO UPDATE SET verdict = excluded.verdict, report = excluded.report RETURNING id""",
        (run, str(folder), sha256, verdict, json.dumps(report, ensure_ascii=False), tx.now),
    ).fetchone()
    return int(row[0])


def promote(tx: Transaction, model: int) -> None:
    """Make `model` the champion; the one before it is kept as `previous`. One transaction, so never half done."""
    before = tx.execute("SELECT model FROM aliases WHERE name = ?", (CHAMPION,)).fetchone()
    if before and before[0] == model:
        return
    if before:
        _point(tx, PREVIOUS, before[0])
    _point(tx, CHAMPION, model)


def rollback(ledger: Ledger) -> Model:
    """Swap champion and previous; returns the champion that is back. Raises `NothingToDo` without a previous one."""
    back = alias(ledger, PREVIOUS)
    if back is None:
        raise NothingToDo("there is no previous model to go back to")
    with ledger.transaction() as tx:
        promote(tx, back.id)
    return back


def alias(ledger: Ledger, name: str) -> Model | None:
    """The model that `champion`, `challenger` or `previous` stands for, or None."""
    found = _select(ledger, "m.id = (SELECT model FROM aliases WHERE name = ?)", name)
    return found[0] if found else None


def aliases(ledger: Ledger) -> dict[int, list[str]]:
    """{model: what it is called}, for every model, the champion's name first."""
    found: dict[int, list[str]] = {model: [] for (model,) in ledger.read("SELECT id FROM models")}
    for name in (CHAMPION, CHALLENGER, PREVIOUS):
        if model := alias(ledger, name):
            found[model.id].append(name)
    return found


def find(ledger: Ledger, word: str) -> Model:
    """A model by alias, number or the start of its run. Raises `UsageError` when there is none."""
    if word in (CHAMPION, CHALLENGER, PREVIOUS):
        found = [m for m in [alias(ledger, word)] if m]
    else:
        found = _select(ledger, "CAST(m.id AS TEXT) = ? OR substr(m.run, 1, max(4, length(?))) = ?", word, word, word)
    if not found:
        raise UsageError(f"there is no model {word!r}", "`tonewright model list` shows them")
    return found[0]


def every(ledger: Ledger) -> list[Model]:
    """All models, newest first."""
    return _select(ledger, "? ORDER BY m.id DESC", 1)


def _point(tx: Transaction, name: str, model: int) -> None:
    tx.execute("INSERT OR REPLACE INTO aliases VALUES (?, ?, ?)", (name, model, tx.now))


def challenge(tx: Transaction, model: int) -> None:
    """Remember the model that the gate judged last."""
    _point(tx, CHALLENGER, model)


def _select(ledger: Ledger, where: str, *parameters: Any) -> list[Model]:
    rows = ledger.read(
        f"""SELECT m.id, m.run, m.folder, m.adapter_sha256, m.verdict, m.report, m.created, r.base, m.stale
            FROM models m JOIN runs r ON r.id = m.run WHERE {where}""",  # noqa: S608 - constants of this module
        parameters,
    )
    return [Model(r[0], r[1], Path(r[2]), r[3], r[4], json.loads(r[5]), *r[6:]) for r in rows]
