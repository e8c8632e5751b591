"""The pitch of a voice over time, by autocorrelation, with nothing but numpy.

The method is that of P. Boersma, "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17 (1993), 97-110; equations are cited by its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

STEP = 0.01  # seconds between frames
PERIODS = 3.0  # periods of the floor in one window
WIDEST = (60.0, 600.0)  # hertz: where the first pass looks

_CANDIDATES = 14  # voiced ones per frame; Boersma's recommended 15 counts the unvoiced one
_SILENCE, _VOICING = 0.03, 0.45  # thresholds
_OCTAVE_COST, _JUMP_COST, _SWITCH_COST = 0.01, 0.35, 0.14  # per octave, per octave and step, per change of voicing
_FINER = 4  # the autocorrelation is interpolated to this many points per sample
_BLOCK = 512  # frames that are worked on at once, which bounds the memory that an hour's recording takes
# The second pass looks around the quartiles that the first one found. The ceiling is generous, because an excited
# voice goes far above its own upper quartile, and never less than two octaves above the floor.
_BELOW, _ABOVE, _LEAST_SPAN = 0.75, 2.25, 4.0


@dataclass(frozen=True, eq=False)
class Contour:
    """Pitch over time, one value per frame.

    `times` (seconds, shape (n,)) are the frames' centres; `hertz`, shape (n,), is NaN where there is no voice;
    `strength`, shape (n,), is the normalised autocorrelation at the chosen period, 0 where there is no voice.
    """

    times: Array
    hertz: Array
    strength: Array
    floor: float
    ceiling: float

    @property
    def semitones(self) -> Array:
        """Semitones above 100 Hz, NaN where there is no voice, shape (n,)."""
        import numpy as np

        return 12.0 * np.log2(self.hertz / 100.0)


def contour(samples: npt.NDArray[np.float32], rate: int) -> Contour:
    """The pitch of mono `samples`, shape (n,), in a range found from the speaker's own voice.

    A first pass looks through `WIDEST`; the second one between 0.75 times the first quartile and 2.25 times the
    third. The idea of taking the range from a first pass's quartiles is D. Hirst's (Proc. ICPhS 2007, 1233-1236).
    """
    first = track(samples, rate, *WIDEST)
    found = around(first, rate)
    return track(samples, rate, *found) if found else first


def around(first: Contour, rate: int) -> tuple[float, float] | None:
    """Where a second pass looks, floor and ceiling in hertz, after what the first one found; None without a voice."""
    import numpy as np

    voiced = first.hertz[~np.isnan(first.hertz)]
    if len(voiced) == 0:
        return None
    low, high = np.quantile(voiced, (0.25, 0.75))
    floor = float(max(WIDEST[0], _BELOW * low))
    return floor, float(min(rate / 4, max(_ABOVE * high, _LEAST_SPAN * floor)))


def track(samples: npt.NDArray[np.float32], rate: int, floor: float, ceiling: float) -> Contour:
    """The pitch of mono `samples`, shape (n,), between `floor` and `ceiling` (hertz), every `STEP` seconds."""
    import numpy as np

    window = int(PERIODS * rate / floor)
    padded = np.asarray(samples, np.float32)
    if len(padded) < window:
        padded = np.pad(padded, (0, window - len(padded)))
    step = round(STEP * rate)
    starts = np.arange(0, len(padded) - window + 1, step)
    starts += (len(padded) - window - int(starts[-1])) // 2  # as much is left over before as after
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)
    loudest = float(np.abs(padded - padded.mean()).max()) or 1.0
    blocks = [
        _candidates(frames[starts[i : i + _BLOCK]], rate, floor, ceiling, loudest)
        for i in range(0, len(starts), _BLOCK)
    ]
    hertz, strength, worth = (np.concatenate(parts) for parts in zip(*blocks))
    chosen = _best_path(hertz, worth)
    rows = np.arange(len(starts))
    found = hertz[rows, chosen]
    voiced = found > 0
    times = (starts + window / 2) / rate
    return Contour(
        times, np.where(voiced, found, np.nan), np.where(voiced, strength[rows, chosen], 0.0), floor, ceiling
    )


def _candidates(
    frames: npt.NDArray[np.float32], rate: int, floor: float, ceiling: float, loudest: float
) -> tuple[Array, Array, Array]:
    """Frequencies (0: unvoiced), strengths and worths of the best places, each of shape (frames, 1 + _CANDIDATES)."""
    import numpy as np

    frames = frames - frames.mean(axis=1, keepdims=True)
    # A frame is as loud as its middle period: its edges belong to its neighbours.
    reach = int(rate / floor / 2)
    centre = frames.shape[1] // 2
    peaks = np.abs(frames[:, centre - reach : centre + reach]).max(axis=1) / loudest
    r = _autocorrelation(frames)
    per_second = rate * _FINER
    first, last = int(per_second / ceiling), min(int(np.ceil(per_second / floor)) + 1, r.shape[1] - 2)
    middle, before, after = r[:, first : last + 1], r[:, first - 1 : last], r[:, first + 1 : last + 2]
    # A parabola through three points of the interpolated curve gives lag and height of its top.
    bend = np.minimum(before - 2 * middle + after, -1e-12)
    shift = np.clip(0.5 * (before - after) / bend, -0.5, 0.5)
    height = middle - 0.25 * (before - after) * shift
    hertz = per_second / (np.arange(first, last + 1) + shift)
    is_top = (middle > before) & (middle >= after) & (middle > 0.5 * _VOICING) & (hertz >= floor) & (hertz <= ceiling)
    height = np.where(height > 1.0, 1.0 / np.maximum(height, 1.0), height)
    # Equation 26, counted from the ceiling instead of the floor, as Praat does: higher pitches are favoured a little.
    worth = np.where(is_top, height - _OCTAVE_COST * np.log2(ceiling / hertz), -np.inf)
    keep = np.argpartition(-worth, min(_CANDIDATES, worth.shape[1] - 1), axis=1)[:, :_CANDIDATES]
    picked = [np.take_along_axis(a, keep, axis=1).astype(float) for a in (hertz, height, worth)]
    # Equation 23: how much a frame sounds like no voice at all, by its loudness.
    silence = _VOICING + np.maximum(0.0, 2.0 - peaks / (_SILENCE / (1.0 + _VOICING)))
    none = np.zeros((len(frames), 1))
    return (
        np.hstack([none, np.where(np.isfinite(picked[2]), picked[0], 0.0)]),
        np.hstack([none, picked[1]]),
        np.hstack([silence[:, None], picked[2]]),
    )


def _autocorrelation(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Equation 9: the windowed frames' normalised autocorrelation divided by the window's own.

    Returns shape (frames, lags) for lags up to half a window, in steps of 1 / _FINER samples; the padded spectrum
    interpolates with sin(x)/x, without which the narrow peaks of a bright voice would fall between two samples.
    """
    import numpy as np

    window = frames.shape[1]
    size = -(-(window * 3 // 2) // 256) * 256  # lags of half a window without wrapping around, and quick to transform
    hann = np.hanning(window + 2)[1:-1].astype(np.float32)
    lags = _FINER * window // 2

    def correlate(signal: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        power = np.abs(np.fft.rfft(signal, size)) ** 2
        r = np.fft.irfft(power, size * _FINER)[..., :lags]
        return np.asarray(r / np.maximum(r[..., :1], 1e-20), np.float32)

    return correlate(frames * hann) / correlate(hann)


def _best_path(hertz: Array, worth: Array) -> npt.NDArray[np.int64]:
    """The candidate per frame that makes the cheapest path (equations 27 and 28); both inputs (frames, candidates)."""
    import numpy as np

    scale = 0.01 / STEP  # the costs were tuned for steps of 10 ms
    voiced = hertz > 0
    octaves = np.log2(np.where(voiced, hertz, 1.0))
    came_from = np.zeros(hertz.shape, np.int64)
    total = worth[0]
    columns = np.arange(hertz.shape[1])
    for t in range(1, len(hertz)):
        both = voiced[t - 1][:, None] & voiced[t][None, :]
        mixed = voiced[t - 1][:, None] ^ voiced[t][None, :]
        jump = np.abs(octaves[t - 1][:, None] - octaves[t][None, :])
        ways = total[:, None] - scale * (_JUMP_COST * both * jump + _SWITCH_COST * mixed)
        came_from[t] = ways.argmax(axis=0)
        total = ways[came_from[t], columns] + worth[t]
    path = np.empty(len(hertz), np.int64)
    path[-1] = total.argmax()
    for t in range(len(hertz) - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    return path
