"""Which way a tone lies: where a model's states are while it says passages in that tone, against all other tones.

A direction that is added to the states while the model writes turns its tone: "activation addition" (Turner et al.
2023), with the difference of means over many passages as in contrastive activation addition (Rimsky et al. 2024).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tonewright.tones.passages import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


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
