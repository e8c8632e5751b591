"""Where somebody speaks and where they pause, and how many syllables there are, from loudness alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tonewright.notes.pitch import Contour

    Array = npt.NDArray[np.float64]

STEP = 0.01  # seconds between frames of loudness
SHORTEST_PAUSE = 0.2  # seconds; the closure of a t or a k is shorter
SHORTEST_SPEECH = 0.08  # seconds; a click of the tongue is shorter

_SMOOTH = (0.25, 0.75, 1.0, 0.75, 0.25)  # a Hann window over 60 ms
_DEEPEST = 50.0  # decibels under the loud parts; digital silence would otherwise be minus infinity
# Speech is what is louder than 25 dB under the loud parts (de Jong and Wempe 2009), but also clearly above the
# noise of this room, and at least everything that is nearly as loud as the loud parts.
_UNDER_LOUD, _ABOVE_NOISE, _NEARLY_LOUD = 25.0, 6.0, 6.0
_QUIETEST = -90.0  # decibels relative to full scale, where 16 bits end
_DIP = 2.0  # decibels between two syllables


@dataclass(frozen=True, eq=False)
class Loudness:
    """How loud each hundredth of a second is, and who speaks when.

    `decibels`, shape (n,), is relative to full scale; frame i is centred on (i + 0.5) * STEP seconds. `threshold` is
    what speech is louder than; `speech` lists (start, end) in seconds, in order, at least `SHORTEST_PAUSE` apart.
    """

    decibels: Array
    threshold: float
    speech: list[tuple[float, float]]

    def spoken(self, start: float, end: float) -> float:
        """Seconds of speech between two times."""
        return sum(max(0.0, min(end, b) - max(start, a)) for a, b in self.speech)

    def quietest(self, time: float, reach: float) -> float:
        """The quietest moment within `reach` seconds of `time`."""
        first = max(0, int((time - reach) / STEP))
        near = self.decibels[first : int((time + reach) / STEP) + 1]
        return (first + int(near.argmin()) + 0.5) * STEP if len(near) else time


def loudness(samples: npt.NDArray[np.float32], rate: int) -> Loudness:
    """Loudness and speech of mono `samples`, shape (n,), with a floor that adapts to the recording's own noise."""
    import numpy as np

    step = round(STEP * rate)
    blocks = np.pad(samples, (0, -len(samples) % step)).reshape(-1, step).astype(np.float64)
    weights = np.array(_SMOOTH) / sum(_SMOOTH)
    power = np.convolve((blocks**2).mean(axis=1), weights)[2 : len(blocks) + 2]
    decibels = 10.0 * np.log10(np.maximum(power, 1e-12))
    loud = float(np.quantile(decibels, 0.95))
    decibels = np.maximum(decibels, loud - _DEEPEST)
    noise = float(np.quantile(decibels, 0.1))
    threshold = max(_QUIETEST, min(max(loud - _UNDER_LOUD, noise + _ABOVE_NOISE), loud - _NEARLY_LOUD))
    return Loudness(decibels, threshold, _runs(decibels > threshold))


def nuclei(loud: Loudness, pitch: Contour) -> list[float]:
    """The times of syllable nuclei: voiced peaks of loudness, with a dip of 2 dB between any two of them.

    After N. de Jong and T. Wempe, "Praat script to detect syllable nuclei and measure speech rate automatically",
    Behavior Research Methods 41 (2009), 385-390.
    """
    import numpy as np

    voiced = ~np.isnan(pitch.hertz)
    found = []
    for peak in _peaks(loud.decibels.tolist()):
        time = (peak + 0.5) * STEP
        frame = min(int(np.searchsorted(pitch.times, time)), len(voiced) - 1)
        if loud.decibels[peak] > loud.threshold and voiced[max(0, frame - 1) : frame + 2].any():
            found.append(time)
    return found


def _peaks(values: list[float]) -> list[int]:
    """Indices of maxima that stand `_DIP` above the lowest value on either side, up to the next such maximum."""
    found = []
    rising, at = True, 0
    for i, value in enumerate(values):
        if (value > values[at]) == rising:
            at = i
        elif abs(value - values[at]) >= _DIP:
            if rising:
                found.append(at)
            rising, at = not rising, i
    return [*found, at] if rising and values else found


def _runs(is_speech: npt.NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Stretches of speech in seconds: first short pauses are filled, then short sounds dropped."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_speech, [False]]).astype(int))).tolist()
    joined: list[list[float]] = []
    for start, end in zip(edges[::2], edges[1::2]):
        if joined and (start * STEP - joined[-1][1]) < SHORTEST_PAUSE:
            joined[-1][1] = end * STEP
        else:
            joined.append([start * STEP, end * STEP])
    return [(start, end) for start, end in joined if end - start >= SHORTEST_SPEECH]
