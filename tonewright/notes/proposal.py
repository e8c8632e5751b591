"""What the words and the voice together say about a tone: bounded, in words, and never from the voice alone.

The rules follow what studies of spoken irony agree on (see `evidence`): slowness counts in one direction, a change of
range or of loudness in either, since contrast with the speaker's own surroundings is better founded than any direction.
The weights are guesses of the right size. The numbers that they weigh are kept with every sentence, so that weights
learned from the author's own decisions can take their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from tonewright.notes.baseline import Baseline
from tonewright.notes.evidence import Hint, about, hint
from tonewright.notes.prosody import Features

ALONE, TOGETHER = "prosody", "words and voice"  # the sources of labels that come from listening, before the extractor
MOST_TOGETHER = 0.7  # confidence of words and voice that agree, at the very most
MOST_INFERRED = 0.6  # of a rule that no study supports directly
_IRONIC = ("snark", "dry")
_WEIGHTS = {"slow": 0.45, "range": 0.25, "low": 0.15, "loudness": 0.15}
_MARKED, _UNMARKED, _MOST_MARKED = 0.8, 0.5, 1.5
_FLAT, _USUAL_PACE = -0.8, 1.0
_PLACED = 0.3  # the least confidence in a sentence's place; one whose words do not fit the sound has less
_SNARK_WORDS, _DRY_WORDS, _SINCERE_WORDS = 0.5, 0.4, 0.8  # the least that the words must say for each


@dataclass(frozen=True)
class TextCue:
    """What a tagger made of the words: a tone with its confidence, and the share of the words that are certain."""

    tone: str
    confidence: float
    certainty: float = 1.0

    @property
    def strength(self) -> float:
        """The confidence, weakened by words that may have been others."""
        return self.confidence * self.certainty


def marked(deviations: dict[str, float]) -> float:
    """How far the way of speaking stands out, 0 or more, in usual deviations."""
    return (
        _WEIGHTS["slow"] * max(0.0, -deviations.get("rate", 0.0))
        + _WEIGHTS["range"] * abs(deviations.get("f0_range", 0.0))
        + _WEIGHTS["low"] * max(0.0, -deviations.get("f0_median", 0.0))
        + _WEIGHTS["loudness"] * abs(deviations.get("level_range", 0.0))
    )


def propose(
    cue: TextCue | None,
    baseline: Baseline,
    sentences: Sequence[tuple[Features, float]],
    tones: Sequence[str],
    threshold: float,
) -> tuple[Hint, bool] | None:
    """The one of `tones` that these sentences support, and whether words and voice agree on it.

    `sentences` are features with the confidence (0 to 1) of their place in the recording. Without a text cue, or where
    it and the voice do not add up to a tone, the voice alone may hint at one, below the tagger's `threshold`.
    """
    if cue is not None and baseline.is_known:
        heard = [(baseline.deviations(features), trust) for features, trust in sentences if trust >= _PLACED]
        together = _together(cue, [(d, trust) for d, trust in heard if d], tones)
        if together is not None:
            tone, confidence, why = together
            voice = about(baseline, [features for features, _ in sentences])
            return Hint(tone, round(confidence, 3), f"words: {_told(cue)}; voice: {voice}{why}"), True
    alone = hint(baseline, sentences, tones, threshold)
    return (alone, False) if alone is not None else None


def _told(cue: TextCue) -> str:
    doubt = "" if cue.certainty >= 1.0 else f", {1 - cue.certainty:.0%} of them unclear"
    return f"{cue.tone} ({cue.confidence:.2f}{doubt})"


def _together(
    cue: TextCue, heard: Sequence[tuple[dict[str, float], float]], tones: Sequence[str]
) -> tuple[str, float, str] | None:
    """(tone, confidence, what else to say), from each sentence's deviations and how well it is placed."""
    if not heard:
        return None
    voice = {n: median([d[n] for d, _ in heard if n in d]) for n in {n for d, _ in heard for n in d}}
    said, stands_out = cue.strength, marked(voice)
    pace, span = voice.get("rate", 0.0), voice.get("f0_range", 0.0)
    rise = 0.1 * min(stands_out, _MOST_MARKED) * fmean(trust for _, trust in heard)
    tone, confidence, why = "", 0.0, ""
    if cue.tone in _IRONIC and said >= _DRY_WORDS and span <= _FLAT and abs(pace) < _USUAL_PACE:
        tone, confidence = "dry", min(MOST_INFERRED, 0.3 + 0.2 * said + rise)
        why = "; that a flat voice with such words is dry is an inference"
    elif cue.tone in _IRONIC and said >= _SNARK_WORDS and stands_out >= _MARKED:
        tone, confidence = "snark", 0.35 + 0.2 * said + rise
    elif cue.tone == "sincere" and said >= _SINCERE_WORDS and stands_out < _UNMARKED and span >= -1.0:
        tone, confidence = "sincere", min(MOST_INFERRED, 0.35 + 0.25 * said)
    elif _sounds(cue.tone, pace, span) and said >= _SNARK_WORDS:
        tone, confidence = cue.tone, 0.35 + 0.2 * said + rise
    return (tone, min(MOST_TOGETHER, confidence), why) if tone in tones else None


def _sounds(tone: str, pace: float, span: float) -> bool:
    """Whether a voice is what one expects of a tone that describes it."""
    return (tone == "playful" and span >= 1.0) or (tone == "wistful" and (pace <= -1.0 or span <= -1.0))
