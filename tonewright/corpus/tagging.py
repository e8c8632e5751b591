"""Tag and untag by hand: from what the author points at to a file in the blog's repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from tonewright.corpus.export import write_lines
from tonewright.corpus.hand_tags import Tag, tags
from tonewright.corpus.pointing import Spot, Text
from tonewright.errors import TonewrightError
from tonewright.ledger.store import Ledger
from tonewright.tones import handbook
from tonewright.tones.anchors import find
from tonewright.tones.handbook import Decision, decision


def tagging(ledger: Ledger, text: Text, spots: Sequence[Spot], tone: str) -> list[Decision]:
    """The decisions that give `tone` to each spot, none for a spot that a tag gives this tone to already."""
    known = standing(ledger, text)
    made = []
    for spot in spots:
        marks = text.marks[spot.passage]
        latest = max(known.get(spot, []), key=lambda t: t.decision.order, default=None)
        if latest and latest.decision.tone == tone and latest.decision.marks == marks:
            continue
        new = text.words.quote(text.name, tone, spot.passage, spot.span, public=text.public)
        made.append(replace(new, marks=marks))
    return made


def untagging(ledger: Ledger, text: Text, spots: Sequence[Spot], tone: str | None) -> list[Decision]:
    """The decision that takes back the tags at each spot, whatever stood there before them included; of a whole passage
    also those of words within it. With `tone`, only where that is the tone that stands."""
    removes: list[str] = []
    for place, found in standing(ledger, text).items():
        meant = any(s == place or (s.span is None and s.passage == place.passage) for s in spots)
        latest = max(found, key=lambda t: t.decision.order)
        if meant and tone in (None, latest.decision.tone):
            removes += [tag.decision.id for tag in found]
    return [decision(text.name, removes=tuple(sorted(removes)))] if removes else []


def write(ledger: Ledger, folder: Path, decisions: Sequence[Decision]) -> tuple[Path, list[Decision]]:
    """Put decisions into one new file below `folder`; returns it, and the decisions with their time and ids.

    Raises `TryLater` when the disk is full, `TonewrightError` when nothing can be written there.
    """
    latest = ledger.read("SELECT coalesce(max(at), '') FROM hand_tags")[0][0]
    sealed = handbook.seal(decisions, datetime.now(timezone.utc), latest)
    name, lines = handbook.as_file(sealed)
    file = folder / name
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise TonewrightError(
            f"{file.parent} could not be made ({e.strerror})", "mend that, or set tones.folder"
        ) from e
    write_lines(lines, file)
    return file, sealed


def standing(ledger: Ledger, text: Text) -> dict[Spot, list[Tag]]:
    """The tags of this text by where its words are now, on disk; the corpus may not know this version yet."""
    found: dict[Spot, list[Tag]] = {}
    for tag in tags(ledger, text.name):
        anchor = find(tag.decision, text.words)
        if anchor is not None:
            spot = Spot(anchor.passage, None if anchor.whole else (anchor.start, anchor.end))
            found.setdefault(spot, []).append(tag)
    return found
