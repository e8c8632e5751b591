"""Which way a tone lies: where a model's states are while it says passages in that tone, against all other tones.

A direction that is added to the states while the model writes turns its tone: "activation addition" (Turner et al.
2023), with the difference of means over many passages as in contrastive activation addition (Rimsky et al. 2024).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tonewright.tones.exemplars import shipped_exemplars
from tonewright.tones.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

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


def directions(states: Sequence[Floats], passages: Sequence[Passage]) -> dict[str, Floats]:
    """{tone: its direction}, in the shape of `states`: what the model held during each of the `comparable` passages.

    A tone's direction is the mean of its passages less the mean over all tones. What is the author's voice in every
    tone is no part of any direction, so own passages and exemplars are centred apart; then each one counts the same.
    """
    import numpy as np

    pulled: dict[str, list[Floats]] = defaultdict(list)
    for own in (True, False):
        apart: dict[str, list[Floats]] = defaultdict(list)
        for state, passage in zip(states, passages):
            if passage.own == own:
                apart[passage.tone].append(state)
        if not apart:
            continue
        middle = np.mean([np.mean(found, axis=0) for found in apart.values()], axis=0)
        for tone, found in apart.items():
            pulled[tone] += [state - middle for state in found]
    return {tone: np.mean(found, axis=0) for tone, found in sorted(pulled.items())}
