"""How each sentence of a recording was said, in numbers: pitch, pace, pauses, loudness, and its ending."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from tonewright.notes.phrases import STEP, Loudness, loudness, nuclei
from tonewright.notes.pitch import Contour, contour
from tonewright.notes.placing import Placed, Placing, place
from tonewright.notes.transcript import Transcript

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

EXTRACTOR = "numpy-1"  # changes whenever the same recording may get other numbers
LEAST_SECONDS, LEAST_VOICED = 0.8, 30  # seconds and voiced frames; of less, pitch and pace are not told
POINTS = 24  # of the small contour that is kept for drawing

_OUTLIER = 10.0  # semitones from the median of a sentence: an octave error or a creak, not a melody
_BINS = 6  # parts of a sentence, each of which gives its low point to the declination


@dataclass(frozen=True)
class Features:
    """What was measured of one sentence; None where there was too little to measure.

    `f0_median` is in semitones above 100 Hz, `f0_range` (5th to 95th percentile) in semitones; `f0_slope` (line
    through all voiced frames) and `declination` (line through the low points, which sink in plain statements) are in
    semitones per second. `rate` is syllable nuclei per second of speech, without the pauses; `pause_before` is
    seconds, `pause_share` the share of silence within. `level` (decibels relative to full scale) and `level_range`
    (5th to 95th percentile) are of the speech only. `lengthening` is the last syllable's length as a multiple of
    the usual one here. `contour` holds `POINTS` medians of pitch in semitones above 100 Hz, evenly spaced.
    """

    f0_median: float | None
    f0_range: float | None
    f0_slope: float | None
    declination: float | None
    rate: float | None
    pause_before: float | None
    pause_share: float
    level: float | None
    level_range: float | None
    lengthening: float | None
    syllables: int
    voiced: float
    contour: tuple[float | None, ...]


@dataclass(frozen=True)
class Heard:
    """A recording of `seconds`: where its sentences are, and what was measured of each, in the same order."""

    seconds: float
    placing: Placing
    features: list[Features]


def hear(samples: npt.NDArray[np.float32], rate: int, transcript: Transcript) -> Heard:
    """Measure every sentence of mono `samples`, shape (n,).

    Pitch and loudness are computed once for the whole recording and then cut up: a sentence on its own would get
    other thresholds, and lose its edges.
    """
    pitch, loud = contour(samples, rate), loudness(samples, rate)
    peaks = nuclei(loud, pitch)
    placing = place(transcript, loud)
    features: list[Features] = []
    before: float | None = None  # when the last sentence's speech ended
    for sentence in placing.sentences:
        speech = _clipped(loud, sentence)
        pause = None if before is None or not speech else max(0.0, speech[0][0] - before)
        features.append(_measured(sentence, speech, pause, pitch, loud, peaks))
        before = speech[-1][1] if speech else before
    return Heard(len(samples) / rate, placing, features)


def _clipped(loud: Loudness, placed: Placed) -> list[tuple[float, float]]:
    """The speech within a sentence."""
    parts = [(max(a, placed.begin), min(b, placed.until)) for a, b in loud.speech]
    return [(a, b) for a, b in parts if b > a]


def _measured(
    placed: Placed,
    speech: list[tuple[float, float]],
    pause: float | None,
    pitch: Contour,
    loud: Loudness,
    peaks: list[float],
) -> Features:
    import numpy as np

    inside = (pitch.times >= placed.begin) & (pitch.times <= placed.until)
    times, tones = pitch.times[inside], _without_outliers(pitch.semitones[inside])
    voiced = int((~np.isnan(tones)).sum())
    spoken = sum(b - a for a, b in speech)
    own = [p for p in peaks if placed.begin <= p <= placed.until]
    enough = spoken >= LEAST_SECONDS and voiced >= LEAST_VOICED
    length = speech[-1][1] - speech[0][0] if speech else 0.0
    frames = [loud.decibels[int(a / STEP) : int(b / STEP)] for a, b in speech]
    level = np.concatenate(frames) if frames else np.zeros(0)
    return Features(
        f0_median=_rounded(np.nanmedian(tones)) if enough else None,
        f0_range=_spread(tones[~np.isnan(tones)]) if enough else None,
        f0_slope=_slope(times, tones) if enough else None,
        declination=_declination(times, tones) if enough else None,
        rate=_rounded(len(own) / spoken) if enough and own else None,
        pause_before=None if pause is None else _rounded(pause),
        pause_share=_rounded(1.0 - spoken / length) if length else 0.0,
        level=_rounded(level.mean()) if len(level) else None,
        level_range=_spread(level) if enough and len(level) else None,
        lengthening=_lengthening(own, speech) if enough else None,
        syllables=len(own),
        voiced=_rounded(voiced * STEP),
        contour=_drawn(times, tones, placed),
    )


def _without_outliers(tones: Array) -> Array:
    """Frames too far from the sentence's median become voiceless: octave errors at creaky ends."""
    import numpy as np

    if np.isnan(tones).all():
        return tones
    return np.where(np.abs(tones - np.nanmedian(tones)) > _OUTLIER, np.nan, tones)


def _spread(values: Array) -> float:
    import numpy as np

    low, high = np.quantile(values, (0.05, 0.95))
    return _rounded(high - low)


def _slope(times: Array, tones: Array) -> float:
    """Least-squares slope, per second."""
    import numpy as np

    known = ~np.isnan(tones)
    x = times[known] - times[known].mean()
    return _rounded((x * tones[known]).sum() / max(float((x**2).sum()), 1e-9))


def _declination(times: Array, tones: Array) -> float | None:
    """Slope of the line through the low points of equal parts."""
    import numpy as np

    lows, at = [], []
    for part in np.array_split(np.arange(len(times)), _BINS):
        known = part[~np.isnan(tones[part])]
        if len(known) >= 3:
            lows.append(float(np.quantile(tones[known], 0.1)))
            at.append(float(times[known].mean()))
    return _slope(np.array(at), np.array(lows)) if len(lows) >= 3 else None


def _lengthening(own: list[float], speech: list[tuple[float, float]]) -> float | None:
    """The last syllable, from half-way after the one before it to the end, by the median distance of nuclei."""
    import numpy as np

    # A distance that spans a pause is not the length of a syllable.
    gaps = [b - a for a, b in pairwise(own) if any(s <= a and b <= e for s, e in speech)]
    if len(gaps) < 3:
        return None
    start, end = speech[-1]
    begin = max(start, (own[-2] + own[-1]) / 2)
    return _rounded((end - begin) / float(np.median(gaps)))


def _drawn(times: Array, tones: Array, placed: Placed) -> tuple[float | None, ...]:
    import numpy as np

    edges = np.linspace(placed.begin, placed.until, POINTS + 1)
    parts = [tones[(times >= a) & (times < b)] for a, b in pairwise(edges)]
    return tuple(None if np.isnan(p).all() else _rounded(np.nanmedian(p)) for p in parts)


def _rounded(value: float) -> float:
    """A plain float that reads well as JSON."""
    return round(float(value), 3)
