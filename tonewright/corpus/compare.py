"""Several taggers on the passages that the author has tagged: each is asked only what it was not taught."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from tonewright.corpus.tones import by_hand
from tonewright.errors import TonewrightError
from tonewright.ledger.store import Ledger
from tonewright.tones.agreement import Agreement, agreement
from tonewright.tones.tagger import Suggestion

LEAST = 10  # tagged passages, below which figures would say more about chance
FOLDS = 5
STEP = 8  # passages between two lines of progress, and those that the speed is measured on

Labels = Sequence[tuple[str, str]]


class Passage(NamedTuple):
    """A live passage and the one tone that the author gave it."""

    document: int
    text: str
    tone: str


# Asks one tagger, taught with the labels, about passages of the corpus. None: this one may not be shown to it.
Ask = Callable[[Labels, Sequence[Passage]], Sequence[Suggestion | None]]


class Contender(NamedTuple):
    """A tagger in a comparison. `cost` is what a passage costs, `pace` passages per second (None: as they came)."""

    ask: Ask
    learns: bool = True
    cost: Callable[[], float] = lambda: 0.0
    pace: Callable[[Sequence[str]], float] | None = None


@dataclass(frozen=True)
class Compared:
    """How one tagger did. A tagger's word is its likeliest tone, whether it was sure enough to suggest it or not."""

    tagger: str
    why_not: str = ""  # it could not be asked
    asked: int = 0
    abstained: int = 0
    agreement: Agreement | None = None  # with the author, on every passage that it was asked about
    right_when_sure: float | None = None  # the author's tone, of the passages that it did suggest one for
    cost: float = 0.0  # of all passages that it was asked about
    passages_per_second: float = 0.0
    said: dict[int, str] = field(default_factory=dict)  # {number of the passage: tone}


@dataclass(frozen=True)
class Comparison:
    """Everything that `tonewright tag --compare` shows."""

    passages: int
    taggers: list[Compared]
    between: list[tuple[str, str, Agreement]]  # pairs of taggers, on what both were asked
    furthest: str | None  # the tagger with the lowest kappa with the author, when there are two to compare


def hand_tagged(ledger: Ledger) -> list[Passage]:
    """The live passages with a tone by hand, each text once."""
    hand = by_hand(ledger)
    rows = ledger.read("SELECT p.id, p.document, t.text FROM passages p JOIN texts t ON t.hash = p.text_hash")
    found = {text: Passage(document, text, hand[passage]) for passage, document, text in rows if passage in hand}
    return list(found.values())


def compare(
    contenders: Mapping[str, Contender], passages: Sequence[Passage], progress: Callable[[str, int, int], None]
) -> Comparison:
    """Ask each contender about every passage. One that learns is taught with the folds that the passage is not in."""
    done = []
    for name, contender in contenders.items():
        try:
            done.append(_asked(name, contender, passages, progress))
        except TonewrightError as e:
            done.append(Compared(name, why_not=str(e)))
    between = []
    for one, other in combinations((d for d in done if d.agreement), 2):
        if both := agreement([(tone, other.said[i]) for i, tone in one.said.items() if i in other.said]):
            between.append((one.tagger, other.tagger, both))
    ranked = sorted((d for d in done if d.agreement), key=_closeness)
    return Comparison(len(passages), done, between, ranked[0].tagger if len(ranked) > 1 else None)


def _asked(
    name: str, contender: Contender, passages: Sequence[Passage], progress: Callable[[str, int, int], None]
) -> Compared:
    found: dict[int, Suggestion] = {}
    begun = time.perf_counter()
    looked = 0
    for fold in range(FOLDS if contender.learns else 1):
        held = [i for i, p in enumerate(passages) if not contender.learns or _fold(p.text) == fold]
        labels = [(p.text, p.tone) for p in passages if contender.learns and _fold(p.text) != fold]
        for begin in range(0, len(held), STEP):
            numbers = held[begin : begin + STEP]
            answers = contender.ask(labels, [passages[i] for i in numbers])
            found.update({i: answer for i, answer in zip(numbers, answers) if answer is not None})
            looked += len(numbers)
            progress(name, looked, len(passages))
    seconds = max(time.perf_counter() - begun, 1e-9)
    said = {i: max(s.scores, key=s.scores.__getitem__) for i, s in found.items() if s.scores}
    sure = [passages[i].tone == s.tone for i, s in found.items() if s.tone is not None]
    sample = [p.text for p in passages[:STEP]]
    return Compared(
        name,
        why_not="" if said else "no answers" if found else "the gate keeps all of them on this machine",
        asked=len(found),
        abstained=len(found) - len(sure),
        agreement=agreement([(passages[i].tone, tone) for i, tone in said.items()]),
        right_when_sure=sum(sure) / len(sure) if sure else None,
        cost=contender.cost() * len(found),
        passages_per_second=contender.pace(sample) if contender.pace else len(found) / seconds,
        said=said,
    )


def _closeness(one: Compared) -> float:
    """Kappa with the author; where the author uses one tone only, the share of equal answers."""
    assert one.agreement is not None
    return one.agreement.share if one.agreement.kappa is None else one.agreement.kappa


def _fold(text: str) -> int:
    """By the text's hash, so that a comparison can be repeated, and the order of the posts plays no part."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % FOLDS
