"""Praat's pitch in place of our own, for whoever has it: praat-parselmouth is GPL and stays an optional extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tonewright.errors import Missing
from tonewright.notes.pitch import STEP, WIDEST, Contour, around

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def contour(samples: npt.NDArray[np.float32], rate: int) -> Contour:
    """The pitch of mono `samples`, shape (n,), in the same two passes as `tonewright.notes.pitch.contour`.

    Raises `Missing` without the `praat` extra.
    """
    first = _track(samples, rate, *WIDEST)
    found = around(first, rate)
    return _track(samples, rate, *found) if found else first


def _track(samples: npt.NDArray[np.float32], rate: int, floor: float, ceiling: float) -> Contour:
    import numpy as np

    try:
        import parselmouth
    except ImportError as e:
        raise Missing(
            "notes.extractor is praat, and the praat extra is not installed", "pip install 'tonewright[praat]'"
        ) from e
    needed = int(3 * rate / floor) + 1  # Praat refuses a sound that is shorter than its window
    padded = np.pad(samples.astype(np.float64), (0, max(0, needed - len(samples))))
    pitch = parselmouth.Sound(padded, rate).to_pitch_ac(time_step=STEP, pitch_floor=floor, pitch_ceiling=ceiling)
    hertz, strength = pitch.selected_array["frequency"], pitch.selected_array["strength"]
    voiced = hertz > 0
    return Contour(
        np.asarray(pitch.xs()), np.where(voiced, hertz, np.nan), np.where(voiced, strength, 0.0), floor, ceiling
    )
