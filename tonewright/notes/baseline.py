"""This author's usual way of speaking, from earlier notes, and how far a sentence is from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tonewright.notes.prosody import Features

LEAST = 30  # sentences before anything is called usual
WINDOW = 300  # the latest sentences count, since voices and microphones change
FARTHEST = 3.0  # beyond this a deviation is an accident of measuring as often as not

# What is compared, and the least that counts as one usual deviation. How loud it is is kept, but not compared: it
# follows the distance to the telephone, and the telephone's own gain, more than the mood. Its range does not.
COMPARED = {
    "rate": 0.3,
    "f0_range": 1.0,
    "f0_median": 0.5,
    "pause_share": 0.05,
    "lengthening": 0.2,
    "level_range": 3.0,
}
_MAD_TO_DEVIATION = 1.4826  # for normally distributed values (Rousseeuw and Croux 1993, JASA 88, section 1)


@dataclass(frozen=True)
class Baseline:
    """Median and robust deviation of each compared feature over `sentences` earlier ones."""

    usual: dict[str, tuple[float, float]]
    sentences: int

    @property
    def is_known(self) -> bool:
        """Whether there have been enough sentences to say what is usual."""
        return self.sentences >= LEAST

    def deviations(self, features: Features) -> dict[str, float]:
        """{feature: usual deviations above (+) or below (-) the median}, within ±`FARTHEST`.

        Empty without a baseline; a feature that could not be measured is left out.
        """
        if not self.is_known:
            return {}
        found = {}
        for name, (middle, deviation) in self.usual.items():
            value = getattr(features, name)
            if value is not None:
                found[name] = max(-FARTHEST, min(FARTHEST, (value - middle) / deviation))
        return found


def baseline(earlier: Sequence[Features]) -> Baseline:
    """The baseline of `earlier` sentences, the latest first; those without a pitch say nothing and do not count."""
    telling = [f for f in earlier if f.f0_median is not None and f.rate is not None][:WINDOW]
    usual = {}
    for name, least in COMPARED.items():
        values = [v for f in telling if (v := getattr(f, name)) is not None]
        if len(values) >= LEAST:
            middle = median(values)
            spread = _MAD_TO_DEVIATION * median(abs(v - middle) for v in values)
            usual[name] = (middle, max(spread, least))
    return Baseline(usual, len(telling))
