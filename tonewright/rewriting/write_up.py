"""A spoken note as a draft post: each passage in the author's writing voice, in the tone in which it was said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import yaml

from tonewright.corpus.rows import effective_tones
from tonewright.errors import UsageError
from tonewright.ledger.store import Ledger
from tonewright.rewriting.rewrite import Manner, Voice, rewritten, splice


@dataclass(frozen=True)
class Spoken:
    """A passage of a note; `tone` is the hand's or the likeliest that was heard in it, told by `by`."""

    text: str
    tone: str | None
    by: str


@dataclass(frozen=True)
class Note:
    """What a recording says."""

    path: str
    title: str
    written: str  # ISO date, or ""
    passages: tuple[Spoken, ...]


@dataclass(frozen=True)
class Written:
    """A passage as it stands in the draft; `why` tells why it is still as it was said, "" when it is not."""

    spoken: Spoken
    text: str
    why: str


def find_note(ledger: Ledger, ending: str) -> Note:
    """The live note whose path ends with `ending`.

    Suggested tones count however unsure they are: here they only steer a draft, and no label follows from them.
    Raises `UsageError` for none, and for several.
    """
    found = ledger.read(
        """SELECT id, path, title, written FROM documents
           WHERE origin = 'note' AND live = 1 AND substr(path, -length(?1)) = ?1 ORDER BY id""",
        (ending,),
    )
    if len(found) != 1:
        many = f"{len(found)} voice notes' paths end" if found else "no voice note's path ends"
        raise UsageError(f"{many} with {ending!r}", "`tonewright notes` lists them")
    ((document, path, title, written),) = found
    tones = effective_tones(ledger, 0.0)
    passages = [
        Spoken(text, *tones.get(number, (None, "")))
        for number, text in ledger.read(
            """SELECT p.id, t.text FROM passages p JOIN texts t ON t.hash = p.text_hash
               WHERE p.document = ? ORDER BY p.span_start""",
            (document,),
        )
    ]
    return Note(path, title, written, tuple(passages))


def write_up(note: Note, voice: Voice, manner: Manner) -> Iterator[Written]:
    """The passages of `note` one by one, as soon as they are written."""
    for spoken in note.passages:
        spans = list(rewritten(spoken.text, note.path, voice, replace(manner, tone=manner.tone or spoken.tone)))
        why = "; ".join(span.why for span in spans if span.why) if spans else "it is too short"
        yield Written(spoken, splice(spoken.text, spans), why)


def draft_post(note: Note, passages: Sequence[Written]) -> str:
    """A Markdown file that Jekyll, Hugo and Zola take for a draft, and that says what wrote it."""
    header: dict[str, object] = {"title": note.title}
    if note.written:
        header["date"] = note.written[:10]
    header |= {"draft": True, "written_with": "tonewright"}
    front = yaml.safe_dump(header, allow_unicode=True, sort_keys=False, width=float("inf"))
    body = "\n\n".join(passage.text for passage in passages)
    return f"---\n{front}---\n\n{body}\n"
