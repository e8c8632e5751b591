"""Which runs were made of a text, told by the snapshot files that they were trained from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tonewright.corpus.documents import text_hash
from tonewright.corpus.snapshot import FILES, HELD_OUT_FILE
from tonewright.ledger.store import Ledger
from tonewright.models.registry import Model
from tonewright.workspace import Workspace, cache_folder


@dataclass
class Touched:
    """Ids of the rows of one run that hold a text: all of them, and those that were trained on."""

    all: set[str] = field(default_factory=set)
    trained: set[str] = field(default_factory=set)


def snapshot_files(workspace: Workspace) -> Iterator[tuple[str, Path]]:
    """(run, file) of every snapshot file on this machine: the runs' own, and their copies on the host `local`."""
    ours = {str(run) for (run,) in workspace.ledger.read("SELECT id FROM runs")}
    for folder in sorted(workspace.folder("runs").iterdir()):
        jobs = (folder, cache_folder() / "host" / "jobs" / folder.name) if folder.name in ours else (folder,)
        for job in jobs:
            yield from ((folder.name, job / name) for name in FILES if (job / name).is_file())


def touched(workspace: Workspace, texts: frozenset[str]) -> dict[str, Touched]:
    """{run: its rows that hold one of `texts` (hashes)}, for the runs that have any."""
    found: dict[str, Touched] = {}
    for run, file in snapshot_files(workspace):
        for record in records(file):
            if not texts.isdisjoint(hashes_in(record)):
                rows = found.setdefault(run, Touched())
                rows.all.add(record["id"])
                if file.name != HELD_OUT_FILE:
                    rows.trained.add(record["id"])
    return found


def records(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a snapshot file; what is no JSON is `corpus verify`'s to complain of."""
    for line in file.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "id" in record:
            yield record


def hashes_in(record: object) -> set[str]:
    """The hashes of all texts that a row holds: every string in it, and every paragraph of each."""
    if isinstance(record, str):
        return {text_hash(part) for part in (record, *record.split("\n\n"))}
    if isinstance(record, dict):
        record = list(record.values())
    if isinstance(record, list):
        return set().union(*map(hashes_in, record))
    return set()


def stale(workspace: Workspace, model: Model) -> str:
    """Why `model` should not be used any more, or "".

    Besides what was forgotten that is text of posts that have left the corpus since: no version of the post is live,
    and no other document says the same. It is looked up each time, so a post that returns makes the model whole.
    """
    folder = workspace.state / "runs" / model.run
    saw = [folder / name for name in FILES if name != HELD_OUT_FILE and (folder / name).is_file()]
    gone = sorted({path for file in saw for path in _left(workspace.ledger, file)})
    reasons = [model.stale] if model.stale else []
    if gone:
        others = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        reasons.append(f"it saw {gone[0]}{others}, which left the corpus")
    return "; ".join(reasons)


def _left(ledger: Ledger, file: Path) -> set[str]:
    live = {str(path) for (path,) in ledger.read("SELECT path FROM documents WHERE live")}
    lost = [r for r in records(file) if r["source"]["path"] not in live]
    said = {
        str(name)
        for (name,) in ledger.read(
            """SELECT text_hash FROM passages p JOIN documents d ON d.id = p.document AND d.live
               UNION SELECT after_hash FROM corrections c JOIN documents d ON d.id = c.document AND d.live
               UNION SELECT summary_hash FROM documents WHERE live AND summary_hash IS NOT NULL"""
        )
    }
    return {r["source"]["path"] for r in lost if text_hash(r["messages"][-1]["content"]) not in said}
