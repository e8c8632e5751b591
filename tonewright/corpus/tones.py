"""The tones of the corpus in figures: by hand and by machine, month by month, and how far the two agree."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from tonewright.corpus.documents import PRIORITY
from tonewright.corpus.hand_tags import TAG
from tonewright.ledger.store import Ledger
from tonewright.tones.agreement import Agreement, agreement


@dataclass
class Month:
    """Passages of one month by tone; a passage counts once by hand and once by machine."""

    name: str  # 2026-11
    passages: int = 0
    hand: Counter[str] = field(default_factory=Counter)
    machine: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Tagged:
    """What one version of one tagger said, beside the author's word."""

    tagger: str
    passages: int  # that it gave a tone to
    agreement: Agreement | None  # on those that the author decided afterwards: from earlier labels it has learned


def months(ledger: Ledger, threshold: float) -> list[Month]:
    """The live passages by the month in which they were written (a note: taken), oldest first."""
    hand, machine = by_hand(ledger), _by_machine(ledger)
    sure: dict[int, str] = {}
    for passages in machine.values():  # the taggers in the order in which they first spoke: the newest has the word
        sure.update({p: tone for p, (confidence, tone) in passages.items() if confidence >= threshold})
    found: dict[str, Month] = {}
    for passage, written, created in ledger.read(
        "SELECT p.id, d.written, p.created FROM passages p JOIN documents d ON d.id = p.document WHERE d.live = 1"
    ):
        name = written[:7] or time.strftime("%Y-%m", time.localtime(created))
        month = found.setdefault(name, Month(name))
        month.passages += 1
        for counts, said in ((month.hand, hand), (month.machine, sure)):
            if passage in said:
                counts[said[passage]] += 1
    return [found[name] for name in sorted(found)]


def taggers(ledger: Ledger) -> list[Tagged]:
    """Every tagger version that has spoken of live passages, and how far the author came to agree with it.

    A label that was there first is one that the tagger was taught with; agreeing with that would prove nothing.
    """
    hand, decided = by_hand(ledger), _decided(ledger)
    spoken = {(passage, source): created for passage, source, _, _, created in _labels(ledger, "machine")}
    return [
        Tagged(
            source,
            len(said),
            agreement(
                [(hand[p], tone) for p, (_, tone) in said.items() if p in hand and decided[p] > spoken[p, source]]
            ),
        )
        for source, said in _by_machine(ledger).items()
    ]


def _decided(ledger: Ledger) -> dict[int, float]:
    """{passage: when the author last gave it a tone, in seconds since the epoch}."""
    found: dict[int, float] = {}
    for passage, source, _, _, created in _labels(ledger, "hand"):
        if source != TAG:  # a tag's label is written anew with every version; its file says when it was decided
            found[passage] = max(created, found.get(passage, 0.0))
    for passage, at in ledger.read("SELECT passage, at FROM hand_tags WHERE passage IS NOT NULL"):
        found[passage] = max(datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp(), found.get(passage, 0.0))
    return found


def by_hand(ledger: Ledger) -> dict[int, str]:
    """{passage: the author's tone}, from what is nearest to the words."""
    found: dict[int, tuple[int, str]] = {}
    for passage, source, _, tone, _ in _labels(ledger, "hand"):
        rank = PRIORITY.index(source)
        if passage not in found or rank < found[passage][0]:
            found[passage] = (rank, tone)
    return {passage: tone for passage, (_, tone) in found.items()}


def _by_machine(ledger: Ledger) -> dict[str, dict[int, tuple[float, str]]]:
    """{tagger version: {passage: (confidence, tone)}}, of several tones the surest."""
    found: dict[str, dict[int, tuple[float, str]]] = {}
    for passage, source, confidence, tone, _ in _labels(ledger, "machine"):
        said = found.setdefault(source, {})
        said[passage] = max(said.get(passage, (0.0, tone)), (confidence or 0.0, tone))
    return found


def _labels(ledger: Ledger, origin: str) -> list[tuple[int, str, float | None, str, float]]:
    """(passage, source, confidence, tone, seconds since the epoch) of all labels of live passages, oldest first."""
    return ledger.read(
        """SELECT l.passage, l.source, l.confidence, l.tone, l.created FROM labels l JOIN passages p ON p.id = l.passage
           JOIN documents d ON d.id = p.document AND d.live = 1 WHERE l.origin = ? ORDER BY l.id""",
        (origin,),
    )
