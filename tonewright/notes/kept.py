"""Measured sentences in the ledger: raw numbers by recording, transcript and extractor, never the words themselves."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from tonewright.events import PROSODY, NewEvent
from tonewright.ledger.store import Ledger, Transaction
from tonewright.notes.baseline import WINDOW
from tonewright.notes.placing import Placed
from tonewright.notes.prosody import Features, Heard, Phrase

_COLUMNS = "p.span_start, p.span_end, p.begin_s, p.until_s, p.confidence, p.flag, p.certainty, p.features"


@dataclass(frozen=True)
class Sentence:
    """One measured sentence: where it is in the transcript and in the recording, and how it was said."""

    placed: Placed
    features: Features


@dataclass(frozen=True)
class Hearing:
    """A recording that was listened to: its length in seconds, speech without words, when (epoch seconds), by what."""

    seconds: float
    bare: list[tuple[float, float]]
    at: float
    extractor: str


def wish(source: str, payload: dict[str, Any], document: int, extractor: str, cue: str = "") -> NewEvent:
    """The event that asks for `document`, a note told by `payload`, to be listened to by this extractor.

    `cue` names what has been said of its words meanwhile, to be weighed together with what was heard.
    """
    identity = f"document {document} by {extractor}" + (f" with {cue}" if cue else "")
    return NewEvent(PROSODY, source, identity, {**payload, "document": document})


def weigh_again(tx: Transaction, document: int, extractor: str, cue: str) -> None:
    """A tagger spoke of this document's words: when it is a note, its voice is weighed together with them."""
    row = tx.execute(
        """SELECT e.id, e.source, e.payload FROM documents d JOIN events e ON e.id = d.event
           WHERE d.id = ? AND d.origin = 'note' AND d.live = 1""",
        (document,),
    ).fetchone()
    if row:
        tx.add(wish(row[1], json.loads(row[2]), document, extractor, cue), parent=row[0])


def unheard(ledger: Ledger, extractor: str) -> list[tuple[int, NewEvent]]:
    """(event of the note, wish) for every live note that this extractor has not heard: it came in before it."""
    rows = ledger.read(
        """SELECT e.id, e.source, e.payload, d.id FROM documents d JOIN events e ON e.id = d.event
           WHERE d.origin = 'note' AND d.live = 1 AND NOT EXISTS (
               SELECT 1 FROM heard h WHERE h.extractor = ? AND h.audio || '+' || h.transcript = d.version)""",
        (extractor,),
    )
    return [
        (event, wish(source, json.loads(payload), document, extractor)) for event, source, payload, document in rows
    ]


def keep(tx: Transaction, audio: str, transcript: str, extractor: str, heard: Heard) -> None:
    """Write what was measured, in place of an earlier measurement of the same recording and transcript."""
    name = (audio, transcript, extractor)
    tx.execute("DELETE FROM prosody WHERE audio = ? AND transcript = ? AND extractor = ?", name)
    bare = json.dumps([[round(a, 2), round(b, 2)] for a, b in heard.placing.bare])
    tx.execute("INSERT OR REPLACE INTO heard VALUES (?, ?, ?, ?, ?, ?)", (*name, heard.seconds, bare, tx.now))
    for place, features in zip(heard.placing.sentences, heard.features):
        where = (place.start, place.end, round(place.begin, 3), round(place.until, 3), place.confidence, place.flag)
        tx.execute(
            """INSERT INTO prosody(audio, transcript, extractor, span_start, span_end, begin_s, until_s, confidence,
                   flag, features, certainty) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (*name, *where, json.dumps(asdict(features)), place.certainty),
        )


def hearing(ledger: Ledger, audio: str, transcript: str, extractor: str = "") -> Hearing | None:
    """When and for how long this recording was last listened to, by `extractor` or any; None when it was not yet."""
    rows = ledger.read(
        """SELECT seconds, bare, at, extractor FROM heard WHERE audio = ? AND transcript = ? AND ? IN ('', extractor)
           ORDER BY at DESC LIMIT 1""",
        (audio, transcript, extractor),
    )
    return Hearing(rows[0][0], [(a, b) for a, b in json.loads(rows[0][1])], *rows[0][2:]) if rows else None


def sentences(ledger: Ledger, audio: str, transcript: str, extractor: str = "") -> list[Sentence]:
    """The measured sentences of a recording as it was last listened to, by `extractor` or any, in order."""
    last = hearing(ledger, audio, transcript, extractor)
    rows = ledger.read(
        f"""SELECT {_COLUMNS} FROM prosody p WHERE p.audio = ? AND p.transcript = ? AND p.extractor = ?
            ORDER BY p.span_start""",  # noqa: S608 - a constant
        (audio, transcript, last.extractor if last else ""),
    )
    return [_sentence(row) for row in rows]


def earlier(ledger: Ledger, audio: str, before: float, extractor: str) -> list[Features]:
    """Sentences of other live notes that this extractor heard before this moment, the latest first.

    Only those that are well placed: a flagged sentence may be somebody coughing.
    """
    rows = ledger.read(
        f"""SELECT {_COLUMNS} FROM heard h JOIN prosody p USING (audio, transcript, extractor)
            WHERE h.audio != ? AND h.extractor = ? AND h.at < ? AND p.flag = ''
              AND h.audio || '+' || h.transcript IN (SELECT version FROM documents WHERE origin = 'note' AND live = 1)
            ORDER BY h.at DESC, p.span_start LIMIT ?""",  # noqa: S608 - a constant
        (audio, extractor, before, 2 * WINDOW),  # half of them may be too short to tell
    )
    return [_sentence(row).features for row in rows]


def _sentence(row: tuple[Any, ...]) -> Sentence:
    told = json.loads(row[7])
    phrases = tuple(Phrase(**phrase) for phrase in told.get("phrases", ()))
    return Sentence(Placed(*row[:7]), Features(**{**told, "contour": tuple(told["contour"]), "phrases": phrases}))
