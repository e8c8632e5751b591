"""One thing that the author is asked about: a passage as it reads now, where it stands, and what was suggested."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tonewright.corpus.documents import text_hash
from tonewright.corpus.hand_tags import Tag
from tonewright.corpus.pointing import Spot, Text, text_of
from tonewright.corpus.tagging import standing
from tonewright.errors import NothingToDo, TonewrightError
from tonewright.ledger.store import Ledger
from tonewright.tones.anchors import Words, find
from tonewright.workspace import Workspace


class Gone(NothingToDo):
    """There is nothing left to ask about this passage."""


@dataclass(frozen=True)
class Suggestion:
    """What a tagger said of these very words, and why; `by` is its name and version, `confidence` 0 to 1."""

    tone: str
    confidence: float
    by: str
    evidence: str


@dataclass(frozen=True)
class Card:
    """A passage in its context. `version` changes with its words and with every tag on it."""

    passage: int  # row id
    version: str
    origin: str  # git, folder, note
    title: str
    written: str  # ISO date, or ""
    text: Text
    number: int  # of the passage in `text`
    suggestions: tuple[Suggestion, ...]  # the surest first
    decided: str  # the tone that a tag gives to the whole passage, or ""

    @property
    def words(self) -> str:
        """What the passage says."""
        return self.text.words.passages[self.number]

    @property
    def before(self) -> str:
        """The passage before it, or ""."""
        return self.text.words.passages[self.number - 1] if self.number else ""

    @property
    def after(self) -> str:
        """The passage after it, or ""."""
        return "".join(self.text.words.passages[self.number + 1 : self.number + 2])

    @property
    def spot(self) -> Spot:
        """Where it is, for `tagging`."""
        return Spot(self.number)


def load(workspace: Workspace, passage: int) -> Card:
    """The card of a passage, as its document reads on disk now. Raises `Gone`, with the reason."""
    ledger = workspace.ledger
    rows = ledger.read(
        """SELECT live.id, d.id, d.origin, d.path, live.title, live.written, p.span_start FROM passages p
           JOIN documents d ON d.id = p.document JOIN documents live USING (origin, place, path)
           WHERE p.id = ? AND live.live = 1""",
        (passage,),
    )
    if not rows:
        raise Gone("its post or note is no longer in the corpus")
    live, stored, origin, path, title, written, start = rows[0]
    known, number = _as_stored(ledger, stored, start)
    try:
        text = text_of(workspace, live)
    except TonewrightError as e:
        raise Gone(str(e)) from e
    anchor = find(known.quote(path, "", number, None, public=True), text.words)
    if anchor is None or not anchor.whole:
        raise Gone(f"{text.name} does not say this any more")
    words = text.words.passages[anchor.passage]
    tags = [t for spot, found in standing(ledger, text).items() if spot.passage == anchor.passage for t in found]
    whole = max((t.decision for t in tags if t.decision.whole), key=lambda d: d.order, default=None)
    return Card(
        passage=passage,
        version=_version(words, tags),
        origin=origin,
        title=title,
        written=written,
        text=text,
        number=anchor.passage,
        suggestions=_suggested(ledger, words),
        decided=whole.tone if whole else "",
    )


def same_words(version: str, other: str) -> bool:
    """Whether two versions of a card differ in nothing but their tags."""
    return version.partition("-")[0] == other.partition("-")[0]


def _as_stored(ledger: Ledger, document: int, start: int) -> tuple[Words, int]:
    """The words of a document as the corpus read them, and the number of the passage at `start` among them.

    Raises `Gone` when that passage was forgotten.
    """
    rows = ledger.read(
        """SELECT t.text, p.span_start FROM passages p JOIN texts t ON t.hash = p.text_hash
           WHERE p.document = ? ORDER BY p.span_start""",
        (document,),
    )
    starts = [at for _, at in rows]
    if start not in starts:
        raise Gone("it was forgotten")
    return Words(tuple(text for text, _ in rows)), starts.index(start)


def _version(words: str, tags: list[Tag]) -> str:
    ids = " ".join(sorted(tag.decision.id for tag in tags))
    return "-".join(hashlib.sha256(part.encode()).hexdigest()[:16] for part in (words, ids))


def _suggested(ledger: Ledger, words: str) -> tuple[Suggestion, ...]:
    """The newest word of each tagger about a text that reads exactly so."""
    newest = {
        source.partition(" ")[0]: Suggestion(tone, confidence or 0.0, source, evidence)
        for tone, confidence, source, evidence in ledger.read(
            """SELECT tone, confidence, source, evidence FROM labels
               WHERE text_hash = ? AND origin = 'machine' ORDER BY id""",
            (text_hash(words),),
        )
    }
    return tuple(sorted(newest.values(), key=lambda s: -s.confidence))
