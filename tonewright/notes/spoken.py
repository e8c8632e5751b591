"""A note as it was listened to: its sentences in words, in seconds, and in how they were said."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tonewright.errors import BadInput
from tonewright.ledger.store import Ledger
from tonewright.notes import kept
from tonewright.notes.baseline import Baseline, baseline
from tonewright.notes.evidence import about
from tonewright.notes.placing import Placed
from tonewright.notes.prosody import Features
from tonewright.notes.transcript import read_transcript
from tonewright.workspace import Workspace


@dataclass(frozen=True)
class Note:
    """A live note; `audio` and `transcript` name its copies in the state folder's `store`."""

    document: int  # row id
    path: str
    audio: str
    transcript: str
    kind: str  # the transcript's suffix
    words: int
    heard_by: str  # who heard the words; "" where the author wrote them


@dataclass(frozen=True)
class Line:
    """One sentence: `text` is "" once its words were forgotten, `evidence` is "" without a baseline."""

    text: str
    placed: Placed
    features: Features
    evidence: str


@dataclass(frozen=True)
class Spoken:
    """A note of `seconds`; `evidence` is about all of it, `bare` are stretches of speech that no word covers."""

    seconds: float
    lines: list[Line]
    evidence: str
    usual: Baseline
    bare: list[tuple[float, float]]


def notes(ledger: Ledger, ending: str = "") -> list[Note]:
    """The live notes whose path ends so, the latest last."""
    rows = ledger.read(
        """SELECT d.id, d.path, d.version, e.payload, (SELECT sum(words) FROM passages WHERE document = d.id)
           FROM documents d JOIN events e ON e.id = d.event
           WHERE d.origin = 'note' AND d.live = 1 AND (? = '' OR substr(d.path, -length(?)) = ?) ORDER BY d.id""",
        (ending, ending, ending),
    )
    return [
        Note(document, path, *_copies(version), told["transcript_kind"], words or 0, told.get("heard_by", ""))
        for document, path, version, payload, words in rows
        for told in (json.loads(payload),)
    ]


def spoken(workspace: Workspace, note: Note) -> Spoken | None:
    """How it was said, against the author's other notes of before; None while nobody has listened."""
    hearing = kept.hearing(workspace.ledger, note.audio, note.transcript)
    if hearing is None:
        return None
    measured = kept.sentences(workspace.ledger, note.audio, note.transcript)
    usual = baseline(kept.earlier(workspace.ledger, note.audio, hearing.at, hearing.extractor))
    text = _text(workspace.folder("store") / note.transcript, note.kind)
    lines = [
        Line(
            " ".join(text[s.placed.start : s.placed.end].split()),
            s.placed,
            s.features,
            about(usual, [s.features]) if usual.is_known else "",
        )
        for s in measured
    ]
    return Spoken(hearing.seconds, lines, about(usual, [s.features for s in measured]), usual, hearing.bare)


def _copies(version: str) -> tuple[str, str]:
    """(recording, transcript), by the hashes that name them."""
    audio, _, transcript = version.partition("+")
    return audio, transcript


def _text(transcript: Path, kind: str) -> str:
    """What was said; "" once the author has had it forgotten."""
    try:
        return read_transcript(transcript, kind=kind).text
    except (FileNotFoundError, BadInput):
        return ""
