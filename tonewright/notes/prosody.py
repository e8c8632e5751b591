"""How each sentence of a recording was said, in numbers: pitch, pace, pauses, loudness, and its ending."""

from __future__ import annotations

from collections.abc import Callable
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

    Tracker = Callable[[npt.NDArray[np.float32], int], Contour]

EXTRACTOR = "numpy-2"  # our own tracker; changes whenever the same recording may get other numbers
LEAST_SECONDS, LEAST_VOICED = 0.8, 30  # seconds and voiced frames; of less, pitch and pace are not told
POINTS = 24  # of the small contour that is kept for drawing

_OUTLIER = 10.0  # semitones from the median of a sentence: an octave error or a creak, not a melody
_BINS = 6  # parts of a sentence, each of which gives its low point to the declination
# A final rise or fall is believed where a short and a long stretch before the end agree on it: a single one may be
# nothing but a creak or an octave error.
_ENDS = (0.3, 0.8)  # seconds
_LEAST_MOVE, _NEAR_END = 1.5, 7.0  # semitones: of a movement, and of a frame from the median of the last second


@dataclass(frozen=True)
class Phrase:
    """A stretch of a sentence between two pauses, in seconds of the recording; the numbers are as in `Features`."""

    begin: float
    until: float
    f0_median: float | None
    f0_range: float | None
    rate: float | None
    level: float | None


@dataclass(frozen=True)
class Features:
    """What was measured of one sentence; None where there was too little to measure.

    `f0_median` is in semitones above 100 Hz, `f0_range` (5th to 95th percentile) and `f0_deviation` (standard) in
    semitones; `f0_slope` (line through all voiced frames) and `declination` (line through the low points, which sink in
    plain statements) are in semitones per second. `ending` is the rise (+) or fall in semitones over the last 0.3 s of
    voice, where it is clear. `harmonicity` is the median harmonics-to-noise ratio in decibels (equation 4 of Boersma
    1993): it depends on microphone and codec, and is only comparable within a recording. `rate` is syllable nuclei per
    second of speech, without the pauses; `pause_before` is seconds, `pause_share` the share of silence within. `level`
    (decibels relative to full scale) and `level_range` (5th to 95th percentile) are of the speech only. `lengthening`
    is the last syllable's length as a multiple of the usual one here. `contour` holds `POINTS` medians of pitch in
    semitones above 100 Hz, evenly spaced.
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
    f0_deviation: float | None = None
    ending: float | None = None
    harmonicity: float | None = None
    phrases: tuple[Phrase, ...] = ()


@dataclass(frozen=True)
class Heard:
    """A recording of `seconds`: where its sentences are, and what was measured of each, in the same order."""

    seconds: float
    placing: Placing
    features: list[Features]


def hear(samples: npt.NDArray[np.float32], rate: int, transcript: Transcript, track: Tracker = contour) -> Heard:
    """Measure every sentence of mono `samples`, shape (n,), with the pitch that `track` finds.

    Pitch and loudness are computed once for the whole recording and then cut up: a sentence on its own would get
    other thresholds, and lose its edges.
    """
    pitch, loud = track(samples, rate), loudness(samples, rate)
    peaks = nuclei(loud, pitch)
    placing = place(transcript, loud, peaks)
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
        f0_deviation=_rounded(float(np.nanstd(tones))) if enough else None,
        ending=_ending(times, pitch.semitones[inside]) if enough else None,
        harmonicity=_harmonicity(pitch.strength[inside]) if enough else None,
        phrases=tuple(_phrase(begin, until, times, tones, loud, own) for begin, until in speech),
    )


def _phrase(begin: float, until: float, times: Array, tones: Array, loud: Loudness, peaks: list[float]) -> Phrase:
    import numpy as np

    heard = tones[(times >= begin) & (times <= until) & ~np.isnan(tones)]
    own = sum(begin <= peak <= until for peak in peaks)
    enough = until - begin >= LEAST_SECONDS and len(heard) >= LEAST_VOICED
    level = loud.decibels[int(begin / STEP) : int(until / STEP)]
    return Phrase(
        begin=_rounded(begin),
        until=_rounded(until),
        f0_median=_rounded(float(np.median(heard))) if enough else None,
        f0_range=_spread(heard) if enough else None,
        rate=_rounded(own / (until - begin)) if enough and own else None,
        level=_rounded(level.mean()) if len(level) else None,
    )


def _ending(times: Array, tones: Array) -> float | None:
    """Semitones of the final rise or fall; None where a short and a long look at it disagree, or it is small."""
    import numpy as np

    known = ~np.isnan(tones)
    at, heard = times[known], tones[known]
    last = at > at[-1] - 1.0
    near = last & (np.abs(heard - np.median(heard[last])) <= _NEAR_END)
    at, heard = at[near], _smoothed(heard[near])
    moves = []
    for span in _ENDS:
        own = at > at[-1] - span
        if own.sum() < 10:
            return None
        moves.append(_slope(at[own], heard[own]) * float(at[own][-1] - at[own][0]))
    agree = min(moves) >= _LEAST_MOVE or max(moves) <= -_LEAST_MOVE
    return _rounded(moves[0]) if agree else None


def _smoothed(values: Array) -> Array:
    """Median of five neighbours."""
    import numpy as np

    padded = np.pad(values, 2, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1))


def _harmonicity(strength: Array) -> float:
    import numpy as np

    r = np.clip(strength[strength > 0], 0.01, 0.9999)
    return _rounded(np.median(10.0 * np.log10(r / (1.0 - r))))


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
