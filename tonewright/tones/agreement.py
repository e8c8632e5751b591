"""How far two who tag the same passages agree, beyond what chance would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Agreement(NamedTuple):
    """Over `passages` passages that both have tagged; `kappa` is None where chance alone must agree."""

    passages: int
    share: float  # of passages with the same tone, 0 to 1
    kappa: float | None  # 1: always the same; 0: no more than by chance; below: less


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement | None:
    """Compare two taggers by what each said of each passage; None without passages.

    Cohen's kappa = (p - e) / (1 - e), with p the share of equal answers and e the share that two with the same habits,
    but no regard for the passage, would reach: the sum over tones of the product of the two shares. From J. Cohen,
    "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20 (1960), 37-46.
    """
    if not pairs:
        return None
    number = len(pairs)
    equal = sum(one == other for one, other in pairs) / number
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(ones[tone] * others[tone] for tone in ones) / number**2
    return Agreement(number, equal, None if chance == 1.0 else (equal - chance) / (1.0 - chance))
