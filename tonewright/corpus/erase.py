"""What was forgotten leaves the files too: store, snapshots, reports, exports, vectors, index, the ledger's own bytes.

Every step can be repeated and goes by the hashes in `forgotten`, so whoever is killed in between runs it again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from tonewright import in_place
from tonewright.corpus import lineage
from tonewright.corpus.documents import FORGOTTEN_FILE, FORGOTTEN_TEXT, text_hash
from tonewright.corpus.export import export, write_lines
from tonewright.corpus.forget import without_words
from tonewright.corpus.recordings import with_recordings
from tonewright.corpus.rows import collect_with_reasons
from tonewright.errors import BadInput, NothingToDo, TryLater
from tonewright.ledger.store import Ledger
from tonewright.models.base import sha256_of
from tonewright.posts.passages import split_passages
from tonewright.posts.post import parse
from tonewright.rewriting.dial import drop_vectors
from tonewright.search.refresh import drop_forgotten
from tonewright.workspace import Workspace, cache_folder


def erase(workspace: Workspace, runs: Iterable[str]) -> list[str]:
    """Take every forgotten text out of the files of this blog; `runs` are those whose reports showed it.

    Returns what the author has to see to, in sentences. Raises `TryLater` when somebody keeps a file busy.
    """
    ledger = workspace.ledger
    for run in runs:
        _silence(workspace, run)
    for _, file in lineage.snapshot_files(workspace):
        _without_rows(file, forgotten(ledger, FORGOTTEN_TEXT))
    drop_copies(workspace)
    drop_vectors(workspace)
    _forget_vectors(forgotten(ledger, FORGOTTEN_TEXT))
    _drop_ways_back(workspace, forgotten(ledger, FORGOTTEN_TEXT))
    for backup in workspace.state.glob("ledger.v*.backup"):
        backup.unlink()  # of an older form, before a migration that went well
    drop_forgotten(workspace)
    left = _export_again(workspace)
    ledger.compact()
    return left


def forgotten(ledger: Ledger, kind: str) -> frozenset[str]:
    """The hashes of one kind that must not be anywhere."""
    return frozenset(str(name) for (name,) in ledger.read("SELECT hash FROM forgotten WHERE kind = ?", (kind,)))


def drop_copies(workspace: Workspace) -> None:
    """Delete forgotten files from the store, except those that an event in hand is still to read."""
    for (name,) in workspace.ledger.read(
        """SELECT hash FROM forgotten WHERE kind = ? AND NOT EXISTS (
               SELECT 1 FROM events WHERE state IN ('pending', 'leased') AND kind IN ('post', 'note', 'prosody')
               AND instr(payload, hash))""",
        (FORGOTTEN_FILE,),
    ):
        (workspace.state / "store" / str(name)).unlink(missing_ok=True)


def _silence(workspace: Workspace, run: str) -> None:
    """Reports keep their numbers; their page and the trainer's reference, made of the held-out texts, go."""
    for folder in (workspace.state / "models" / run, cache_folder() / "host" / "jobs" / run / "out"):
        for name in ("reference.npz", "report.html"):
            (folder / name).unlink(missing_ok=True)
        file = folder / "report.json"
        if not file.is_file():
            continue
        silent = without_words(json.loads(file.read_text(encoding="utf-8")))
        write_lines(json.dumps(silent, indent=2, ensure_ascii=False).split("\n"), file)
        heading = "# Promoted" if silent.get("promote") else "# Refused"
        reasons = [f"- {reason}" for reason in silent.get("reasons", [])]
        write_lines(
            [heading, "", *reasons, "", "The examples were taken out, because a text that this run saw was forgotten."],
            folder / "report.md",
        )


def _without_rows(file: Path, texts: frozenset[str]) -> None:
    """Write a file of rows again without those that hold a forgotten text; one without them stays untouched."""
    lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    kept = [line for line in lines if texts.isdisjoint(lineage.hashes_in(_record(line)))]
    if len(kept) < len(lines):
        write_lines(kept, file)


def _drop_ways_back(workspace: Workspace, texts: frozenset[str]) -> None:
    """Delete what files said before they were rewritten in place, where that holds a forgotten text."""
    for step in sorted((workspace.state / in_place.FOLDER).glob("*.json")):
        record = json.loads(step.read_text(encoding="utf-8"))
        try:
            passages = split_passages(parse(record["before"].encode(), record["path"]), workspace.vocabulary)
        except BadInput:
            step.unlink()
            continue
        if not texts.isdisjoint(text_hash(passage.text) for passage in passages):
            step.unlink()


def _record(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return line


def _forget_vectors(texts: frozenset[str]) -> None:
    """Vectors say little of a text and are the cache's, not this blog's; still they go."""
    for file in sorted((cache_folder() / "vectors").glob("*.db")):
        with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as db:
            db.execute("PRAGMA secure_delete = ON")
            names = json.dumps(sorted(texts))
            db.execute("DELETE FROM vectors WHERE text IN (SELECT value FROM json_each(?))", (names,))
            if db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise TryLater(f"{file} is being read", "run the same command again")


def _export_again(workspace: Workspace) -> list[str]:
    """Every export that is still ours is written anew; one that was changed since is the author's, and is named."""
    sifted = collect_with_reasons(workspace.ledger, workspace.config)
    rows = with_recordings(workspace.ledger, sifted.rows)
    left = []
    for name, form, *ours in workspace.ledger.read("SELECT name, format, sha256, was FROM exports ORDER BY name"):
        file = Path(name)
        if not file.is_file():
            continue
        if sha256_of(file) not in ours and not file.is_relative_to(workspace.state):
            left.append(f"{file} was changed since it was exported and is left alone: look through it yourself")
            continue
        try:
            export(workspace.ledger, rows, file, form, sifted.left_out)
        except NothingToDo:
            export(workspace.ledger, [], file, form, sifted.left_out)
    return left
