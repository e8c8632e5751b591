"""Taking a text out of the ledger for good, in one transaction with all that follows from it.

Ids, hashes and decisions stay; words go. A text goes wherever it stands, also in documents that were not named, and
never comes back: `documents.store` and `revisions.store` ask for its hash. A later edit is another text, and comes in.
What lies in files is `corpus/erase.py`'s.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tonewright.corpus import lineage
from tonewright.corpus.documents import FORGOTTEN_FILE, FORGOTTEN_ROW, FORGOTTEN_TEXT, text_hash
from tonewright.corpus.target import Target
from tonewright.events import NOTE, POST, PROSODY, RETRAIN, SUPERSEDED, NewEvent
from tonewright.ledger.store import Transaction
from tonewright.tones.exemplars import ended
from tonewright.workspace import Workspace

_QUOTED = re.compile(r"“[^”]*”")  # what the gate's reasons quote


@dataclass(frozen=True)
class Outcome:
    """What was done, for the author to read."""

    texts: int
    passages: int
    models: list[int]  # those that saw it
    runs: list[str]  # whose files hold it, or held it
    stopped: list[str]  # runs under way that had it in their snapshot
    retrain: list[int]  # events


def take_out(workspace: Workspace, target: Target) -> Outcome:
    """Everything that the ledger holds of `target` goes, in one transaction with all that follows from it."""
    touched = lineage.touched(workspace, target.texts)
    names = json.dumps(sorted(target.texts))
    with workspace.ledger.transaction() as tx:
        _remember(tx, target, {row for rows in touched.values() for row in rows.all})
        saw = {run for run, rows in touched.items() if rows.trained}
        models = _mark_stale(tx, target.source, saw)
        stopped = _stop(tx, set(touched))
        for run in touched:
            _silence(tx, run)
        _end(tx, json.dumps(sorted(target.paths)))
        texts, passages = _delete(tx, names, json.dumps(sorted(target.files)), json.dumps(sorted(target.paths)))
        if models or stopped:
            identity = hashlib.sha256(f"{target.source} {models} {stopped} {names}".encode()).hexdigest()
            because = f"{target.source} was forgotten, and a model had seen it"
            tx.add(NewEvent(RETRAIN, "corpus", f"without {identity}", {"because": because}))
    return Outcome(texts, passages, sorted(models), sorted(touched), stopped, tx.added)


def _remember(tx: Transaction, target: Target, rows: Iterable[str]) -> None:
    """Write the hashes down, with those of other documents' copies that say the same."""
    versions = tx.execute(
        """SELECT version FROM documents WHERE origin != 'git' AND (
               summary_hash IN (SELECT value FROM json_each(?1)) OR id IN (
                   SELECT document FROM passages WHERE text_hash IN (SELECT value FROM json_each(?1))))""",
        (json.dumps(sorted(target.texts)),),
    ).fetchall()
    files = target.files.union(*(str(version).split("+") for (version,) in versions))
    for kind, names in ((FORGOTTEN_TEXT, target.texts), (FORGOTTEN_FILE, files), (FORGOTTEN_ROW, rows)):
        for name in sorted(names):
            tx.execute("INSERT OR IGNORE INTO forgotten VALUES (?, ?, ?, ?)", (name, kind, target.source, tx.now))


def _mark_stale(tx: Transaction, source: str, runs: set[str]) -> list[int]:
    """Mark the models of `runs`; returns those that were not marked for this source yet."""
    return [
        int(row[0])
        for run in sorted(runs)
        for row in tx.execute(
            """UPDATE models SET stale = CASE stale WHEN '' THEN ?1 ELSE stale || '; ' || ?1 END
               WHERE run = ?2 AND instr(stale, ?1) = 0 RETURNING id""",
            (f"it saw {source}, which was forgotten", run),
        ).fetchall()
    ]


def _stop(tx: Transaction, runs: set[str]) -> list[str]:
    """End the events of runs that are under way with the text in their snapshot."""
    stopped = []
    note = "its snapshot held a text that has been forgotten"
    for run in sorted(runs):
        ended = tx.execute(
            """UPDATE events SET state = ?, note = ?, updated = ?, lease_token = NULL, lease_owner = NULL,
                   lease_until = NULL
               WHERE id = (SELECT event FROM runs WHERE id = ?) AND state IN ('pending', 'leased', 'failed')
               RETURNING id""",
            (SUPERSEDED, note, tx.now, run),
        ).fetchone()
        if ended:
            tx.tell(ended[0], SUPERSEDED, note)
            stopped.append(run)
    return stopped


def _silence(tx: Transaction, run: str) -> None:
    """The gate's report keeps its numbers and loses its examples and quotations."""
    for number, report in tx.execute("SELECT id, report FROM models WHERE run = ?", (run,)).fetchall():
        silent = json.dumps(without_words(json.loads(report)), ensure_ascii=False)
        tx.execute("UPDATE models SET report = ? WHERE id = ?", (silent, number))
    for table, column in (("events", "id"), ("history", "event")):
        for row, note in tx.execute(
            f"SELECT rowid, note FROM {table} WHERE {column} = (SELECT event FROM runs WHERE id = ?)",  # noqa: S608
            (run,),
        ).fetchall():
            tx.execute(f"UPDATE {table} SET note = ? WHERE rowid = ?", (_unquoted(note), row))  # noqa: S608


def without_words(report: dict[str, Any]) -> dict[str, Any]:
    """A gate's report without the texts that it shows."""
    silent: dict[str, Any] = _unquoted({**report, "items": []})
    for measures in silent.get("systems", {}).values():
        measures["run"] = ""
    return silent


def _unquoted(value: Any) -> Any:
    if isinstance(value, str):
        return _QUOTED.sub("“…”", value)
    if isinstance(value, dict):
        return {name: _unquoted(inner) for name, inner in value.items()}
    return [_unquoted(inner) for inner in value] if isinstance(value, list) else value


def _end(tx: Transaction, paths: str) -> None:
    """Nothing that was refused or failed can be tried again, and a note that waits for its words waits no longer.

    A post on its way is still read: it may say something new by now.
    """
    note = "forgotten by the author"
    for (event,) in tx.execute(
        """UPDATE events SET state = ?, note = ?, lease_token = NULL, lease_owner = NULL, lease_until = NULL
           WHERE source IN (SELECT value FROM json_each(?)) AND (
               kind IN (?, ?) AND state IN ('failed', 'refused') OR kind IN (?, ?) AND state IN ('pending', 'leased'))
           RETURNING id""",
        (SUPERSEDED, note, paths, POST, NOTE, NOTE, PROSODY),
    ).fetchall():
        tx.tell(event, SUPERSEDED, note)


def _delete(tx: Transaction, names: str, files: str, paths: str) -> tuple[int, int]:
    """Delete texts, and what speaks of them; returns (texts, passages)."""
    listed = "(SELECT value FROM json_each(?))"
    for (text,) in tx.execute(f"SELECT text FROM texts WHERE hash IN {listed}", (names,)).fetchall():  # noqa: S608
        # A suggested tone quotes the passage that it is taken from, by its first words.
        tx.execute("UPDATE labels SET evidence = '' WHERE instr(evidence, ?)", (" ".join(text.split()[:3]),))
        vector = text_hash(ended(text))  # under this name its vector is kept
        tx.execute(
            "INSERT OR IGNORE INTO forgotten SELECT ?, kind, source, at FROM forgotten WHERE kind = ? AND hash = ?",
            (vector, FORGOTTEN_TEXT, text_hash(text)),
        )
    plain = tx.execute(
        f"DELETE FROM plain_versions WHERE text_hash IN {listed} RETURNING plain_hash",  # noqa: S608
        (names,),
    ).fetchall()
    gone = f"(SELECT id FROM passages WHERE text_hash IN {listed})"  # noqa: S608
    tx.execute(f"DELETE FROM hand_tags WHERE passage IN {gone}", (names,))  # noqa: S608
    tx.execute(f"DELETE FROM hand_tags WHERE path IN {listed}", (paths,))  # noqa: S608
    tx.execute(f"DELETE FROM labels WHERE text_hash IN {listed}", (names,))  # noqa: S608
    tx.execute(f"DELETE FROM hosted_answers WHERE text_hash IN {listed}", (names,))  # noqa: S608
    passages = tx.execute(f"DELETE FROM passages WHERE text_hash IN {listed}", (names,)).rowcount  # noqa: S608
    for side in ("before_hash", "after_hash"):
        tx.execute(f"DELETE FROM revisions WHERE {side} IN {listed}", (names,))  # noqa: S608
    for table, column in (
        *(("drafts", "draft_hash"), ("drafts", "source_hash")),
        *(("corrections", "draft_hash"), ("corrections", "after_hash")),
    ):
        tx.execute(f"DELETE FROM {table} WHERE {column} IN {listed}", (names,))  # noqa: S608
    for table in ("prosody", "heard"):
        for column in ("audio", "transcript"):
            tx.execute(f"DELETE FROM {table} WHERE {column} IN {listed}", (files,))  # noqa: S608
    tx.execute(f"UPDATE documents SET summary_hash = NULL WHERE summary_hash IN {listed}", (names,))  # noqa: S608
    tx.execute(f"UPDATE documents SET title = '', live = 0 WHERE path IN {listed}", (paths,))  # noqa: S608
    texts = tx.execute(f"DELETE FROM texts WHERE hash IN {listed}", (names,)).rowcount  # noqa: S608
    # A plain version that was made of this text alone.
    tx.execute(
        f"""DELETE FROM texts WHERE hash IN {listed} AND hash NOT IN (
                SELECT text_hash FROM passages UNION SELECT plain_hash FROM plain_versions WHERE plain_hash NOT NULL
                UNION SELECT before_hash FROM revisions UNION SELECT after_hash FROM revisions
                UNION SELECT draft_hash FROM drafts UNION SELECT source_hash FROM drafts
                UNION SELECT summary_hash FROM documents WHERE summary_hash NOT NULL)""",  # noqa: S608
        (json.dumps([p for (p,) in plain if p]),),
    )
    return texts, passages
