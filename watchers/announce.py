"""What a file that came, changed, moved or went means: the events that the ledger gets."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from tonewright.events import DONE, NOTE, POST, NewEvent
from tonewright.ledger.leases import supersede
from tonewright.ledger.store import Transaction
from tonewright.notes.files import is_audio
from watchers import manifest
from watchers.manifest import GONE, TAKEN, Folder, Row
from watchers.walk import Found, volume_of


@dataclass(frozen=True)
class Copy:
    """A file whose content is in the store, under its sha256."""

    found: Found
    content: str
    transcript: str = ""  # sha256 of the words beside a note, or ""


def announce(tx: Transaction, folder: Folder, copy: Copy, before: Row | None) -> None:
    """Record the event for what was taken, unless it is what the ledger heard last of this file."""
    (_note if folder.kind == NOTE else _post)(tx, folder, copy, before)


def vanish(tx: Transaction, folder: Folder, path: str, before: Row) -> None:
    """A file is no longer there. A deleted post leaves the corpus; a note that was heard stays."""
    if folder.kind == NOTE and before.state == TAKEN:
        manifest.write(tx, folder, path, before._replace(state=GONE))
        return
    manifest.forget(tx, folder, path)
    left = tx.execute(
        "DELETE FROM current_posts WHERE repository = ? AND path = ? RETURNING path", (str(folder.root), path)
    ).fetchone()
    if left:
        _add(tx, NewEvent(POST, path, f"gone@{tx.now}", _payload(folder, path, "")))


def _post(tx: Transaction, folder: Folder, copy: Copy, before: Row | None) -> None:
    path = copy.found.path
    current = tx.execute(
        "SELECT blob FROM current_posts WHERE repository = ? AND path = ?", (str(folder.root), path)
    ).fetchone()
    if current and current[0] == copy.content:
        return
    tx.execute("INSERT OR REPLACE INTO current_posts VALUES (?, ?, ?, '')", (str(folder.root), path, copy.content))
    _add(tx, NewEvent(POST, path, copy.content, _payload(folder, path, copy.content)))


def _note(tx: Transaction, folder: Folder, copy: Copy, before: Row | None) -> None:
    path = copy.found.path
    came = []
    if before is None or before.content != copy.content:
        for old in _moved_from(tx, path, copy.content):
            came += [*_left_open(*(_last(tx, old["path"]) or (DONE, {}))), old]
    last = _last(tx, path)
    if last:
        state, heard = last
        # Words that were heard stay heard when their file is taken away.
        same = heard["version"] == copy.content and copy.transcript in ("", heard["transcript"])
        if same and not came and (before is not None or heard["place"] != str(folder.root)):
            return
        came = [*_left_open(state, heard), *came]
    payload = _payload(folder, path, copy.content)
    # The copy has no suffix, so its form is told beside it.
    payload["transcript"] = copy.transcript
    payload["transcript_kind"] = PurePath(copy.found.sidecar).suffix.lower() if copy.transcript else ""
    if came:
        payload["moved_from"] = came
    event = _add(tx, NewEvent(NOTE, path, f"{copy.content}+{copy.transcript}", payload))
    for old in came:
        supersede(tx, NOTE, old["path"], newer=event)


def _last(tx: Transaction, path: str) -> tuple[str, dict[str, Any]] | None:
    """State and payload of the latest event of a note."""
    row = tx.execute(
        "SELECT state, payload FROM events WHERE kind = ? AND source = ? ORDER BY id DESC LIMIT 1", (NOTE, path)
    ).fetchone()
    return (row[0], json.loads(row[1])) if row else None


def _left_open(state: str, payload: dict[str, Any]) -> list[dict[str, str]]:
    """The moves that an event was to put in order and has not; its successor does it."""
    return [] if state == DONE else list(payload.get("moved_from", []))


def _moved_from(tx: Transaction, path: str, content: str) -> list[dict[str, str]]:
    """The note that had this content and is no longer where it was; the move takes its row of the manifest."""
    known = tx.execute(
        "SELECT root, path, signature, sha256, state, note FROM manifest WHERE sha256 = ? AND path != ?",
        (content, path),
    ).fetchall()
    gone = [(root, old) for root, old, *rest in known if is_audio(old) and _is_gone(root, old, manifest.read(*rest))]
    if not gone:
        return []
    # Where one name of several is to be chosen, a note that only changed its folder keeps its own.
    root, old = min(gone, key=lambda g: (PurePath(g[1]).name != PurePath(path).name, g))
    tx.execute("DELETE FROM manifest WHERE root = ? AND path = ?", (root, old))
    return [{"place": root, "path": old, "version": content}]


def _is_gone(root: str, path: str, row: Row) -> bool:
    """Whether a known file is away for good, and not just its disk."""
    if os.path.lexists(path):
        return False
    if row.state == GONE:
        return True
    try:
        return row.state == TAKEN and row.volume in ("", volume_of(root))
    except OSError:
        return False


def _payload(folder: Folder, path: str, version: str) -> dict[str, Any]:
    return {
        "origin": "folder",
        "place": str(folder.root),
        "path": path,
        "version": version,
        "commit": "",
    }


def _add(tx: Transaction, new: NewEvent) -> int:
    """Add the event, also for a return to what was there before; earlier ones of its source have had their say."""
    event = tx.add(new) or tx.add(NewEvent(new.kind, new.source, f"{new.identity}@{tx.now}", new.payload))
    assert event is not None, "the clock of a transaction is its own"
    supersede(tx, new.kind, new.source, newer=event)
    return event
