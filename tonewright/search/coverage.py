"""Which files are indexed, and for each of the others why not, as the ledger's own events tell it."""

from __future__ import annotations

from dataclasses import dataclass

from tonewright.events import NOTE, POST
from tonewright.notes.files import is_audio
from tonewright.search.index import Index
from tonewright.workspace import Workspace


@dataclass(frozen=True)
class Covered:
    """A file, the passages of it that are indexed, and, where there are none, the reason."""

    path: str
    kind: str
    passages: int
    why_not: str


def coverage(workspace: Workspace, index: Index) -> list[Covered]:
    """Every post and note that the ledger knows of and that is still there, by path."""
    indexed = {
        (str(path), str(kind)): int(count)
        for path, kind, count in index.db.execute("SELECT path, kind, count(*) FROM chunks GROUP BY path, kind")
    }
    why_not: dict[tuple[str, str], str] = {}
    for path, note in workspace.ledger.read("SELECT path, note FROM manifest WHERE note != '' AND state != 'gone'"):
        why_not[path, NOTE if is_audio(path) else POST] = str(note)
    for source, kind, state, note, gone in workspace.ledger.read(
        """SELECT e.source, e.kind, e.state, e.note, coalesce(json_extract(e.payload, '$.version'), '') = ''
           FROM events e WHERE e.kind IN (?, ?)
           AND e.id = (SELECT max(id) FROM events WHERE kind = e.kind AND source = e.source)""",
        (POST, NOTE),
    ):
        if not gone:
            why_not.setdefault((source, kind), _reason(state, note))
    return sorted(
        [
            *(Covered(path, kind, count, "") for (path, kind), count in indexed.items()),
            *(Covered(path, kind, 0, why) for (path, kind), why in why_not.items() if (path, kind) not in indexed),
        ],
        key=lambda covered: (covered.path, covered.kind),
    )


def _reason(state: str, note: str) -> str:
    if state == "done":
        return "no passage of it is long enough, or all of it was forgotten"
    return note or f"it is {state}"
