"""Passages in a tone beside their plain versions: what a model is pushed by, when a tone's dial is turned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tonewright.errors import NothingToDo
from tonewright.tones.exemplars import LABELS_TO_LEARN, shipped_exemplars
from tonewright.tones.vocabulary import Vocabulary

PLAIN = "plain"


class Passage(NamedTuple):
    """A passage in a tone, and its plain version; `own`: by the author, and not one of the exemplars."""

    plain: str
    text: str
    tone: str
    own: bool


def shipped_passages(vocabulary: Vocabulary) -> list[Passage]:
    """Each exemplar of a known tone beside the plain telling of its subject."""
    found: list[Passage] = []
    exemplars = shipped_exemplars()
    tellings = len({e.tone for e in exemplars})  # of each subject, one after the other
    for start in range(0, len(exemplars), tellings):
        told = {e.tone: e.text for e in exemplars[start : start + tellings]}
        found += [Passage(told[PLAIN], told[tone], tone, False) for tone in told if tone in vocabulary.names]
    return found


def comparable(passages: Sequence[Passage]) -> list[Passage]:
    """Those that stand beside another tone in the same hand: one tone alone cannot be told from the voice."""
    tones = {own: {p.tone for p in passages if p.own == own} for own in (True, False)}
    return [p for p in passages if len(tones[p.own]) > 1]


def require_passages(passages: Sequence[Passage], tone: str, instead: str) -> None:
    """Raise `NothingToDo` when there are too few of `tone`; `instead` tells what can be done without it."""
    found = Counter(p.tone for p in passages)[tone]
    if found < LABELS_TO_LEARN:
        raise NothingToDo(
            f"a dial for {tone} takes {LABELS_TO_LEARN} passages, and {found} of yours can be compared with others",
            f"tag more as {tone}, or {instead}",
        )
