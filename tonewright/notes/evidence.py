"""What a way of speaking may say about tone: always in words, rarely as a suggestion, and never with much confidence.

Studies of spoken irony agree on little: slower speech is the steadiest sign, pitch goes either way, and listeners who
hear no words do badly on spontaneous speech. So deviations from the author's own usual are shown, a tone is suggested
only where two of them point the same way, and the confidence stays below what decides anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from tonewright.notes.baseline import LEAST, Baseline
from tonewright.notes.prosody import Features

NOTABLE = 1.0  # deviations that are worth a word
MOST = 0.45  # what prosody alone is trusted with at the very most
_OF_THRESHOLD = 0.9  # and never more than this share of what the tagger's threshold asks for
_MOST_WORDS = 3

_WORDS = {
    "rate": ("slower than your usual", "faster than your usual"),
    "f0_range": ("flat range", "wide range"),
    "f0_median": ("lower voice", "higher voice"),
    "pause_share": ("fewer pauses", "more pauses"),
    "lengthening": ("clipped ending", "drawn-out ending"),
    "level_range": ("even loudness", "uneven loudness"),
}


@dataclass(frozen=True)
class Hint:
    """A tone that the way of speaking supports."""

    tone: str
    confidence: float
    evidence: str


def in_words(deviations: dict[str, float]) -> str:
    """The largest deviations, as in "slower than your usual (1.4), flat range (1.1)"; "as usual" without any."""
    notable = sorted((n for n in deviations if abs(deviations[n]) >= NOTABLE), key=lambda n: -abs(deviations[n]))
    parts = [f"{_WORDS[n][deviations[n] > 0]} ({abs(deviations[n]):.1f})" for n in notable[:_MOST_WORDS]]
    return ", ".join(parts) or "as usual"


def about(baseline: Baseline, features: Sequence[Features]) -> str:
    """One phrase about some sentences together: the median of each deviation, or why there is none yet."""
    if not baseline.is_known:
        return f"no baseline yet ({baseline.sentences} of {LEAST} sentences in earlier notes)"
    found: dict[str, list[float]] = {}
    for sentence in features:
        for name, value in baseline.deviations(sentence).items():
            found.setdefault(name, []).append(value)
    return in_words({n: median(v) for n, v in found.items()}) if found else "too short to compare"


def hint(
    baseline: Baseline, sentences: Sequence[tuple[Features, float]], tones: Sequence[str], threshold: float
) -> Hint | None:
    """The one of `tones` that most of these sentences support, if there is one.

    `sentences` are features with the confidence (0 to 1) of their place in the recording. The hint's own confidence
    stays below `MOST` and below the tagger's `threshold`, so that it never decides alone.
    """
    supported = [_supported(baseline.deviations(features), tones) for features, _ in sentences]
    named = [s[0] for s in supported if s is not None]
    if not named:
        return None
    tone = max(dict.fromkeys(named), key=named.count)
    if named.count(tone) * 2 <= len(sentences):
        return None
    own = [(s[1], f, trust) for s, (f, trust) in zip(supported, sentences) if s is not None and s[0] == tone]
    confidence = fmean(strength * trust for strength, _, trust in own) * len(own) / len(sentences)
    evidence = about(baseline, [features for _, features, _ in own])
    return Hint(tone, round(min(confidence, MOST, _OF_THRESHOLD * threshold), 3), evidence)


def _supported(deviations: dict[str, float], tones: Sequence[str]) -> tuple[str, float] | None:
    """The tone that one sentence's deviations point to, with a strength up to `MOST`."""
    pace, span = deviations.get("rate", 0.0), deviations.get("f0_range", 0.0)
    if span >= NOTABLE and pace >= NOTABLE / 2:
        tone, least = "playful", 0.3
    elif span <= -NOTABLE and pace <= -NOTABLE:
        sinks = deviations.get("f0_median", 0.0) <= -NOTABLE / 2 or deviations.get("pause_share", 0.0) >= NOTABLE
        tone, least = ("wistful" if sinks else "dry"), 0.2
    else:
        return None
    return (tone, min(MOST, least + 0.03 * (abs(span) + abs(pace)))) if tone in tones else None
