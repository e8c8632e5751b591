"""Our pitch tracker beside Praat's (parselmouth), on real speech and on voices whose pitch is known: one table.

Praat is under the GPL and only compared with, never imported by tonewright: `pip install praat-parselmouth`. The real
speech is LibriVox's, in the public domain, from Debian's `pocketsphinx-testdata`, or WAV files named on the command
line; espeak-ng's is made on the spot where it is installed.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.synthetic import RATE, voice
from tonewright.notes.pitch import STEP, Contour, contour

LIBRIVOX = Path("/usr/share/pocketsphinx/test/data/librivox")
TEXT = (
    "The kettle gave up on Tuesday. It was not the day it usually picks, and I drank my tea from a pan. Nobody noticed!"
)
KNOWN = 24  # synthetic voices
SEMITONES, VOICING = 0.1, 0.96  # promised


def read(path: Path) -> tuple[np.ndarray, int]:
    """A mono 16-bit WAV file as float32, shape (n,), with its rate."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        return samples, file.getframerate()


def praat(samples: np.ndarray, rate: int, like: Contour) -> np.ndarray:
    """Praat's pitch (hertz, NaN: no voice) between the same floor and ceiling, at the same times."""
    import parselmouth

    pitch = parselmouth.Sound(samples.astype(float), rate).to_pitch_ac(
        time_step=STEP, pitch_floor=like.floor, pitch_ceiling=like.ceiling
    )
    hertz = pitch.selected_array["frequency"]
    nearest = np.clip(np.round((like.times - pitch.xs()[0]) / STEP).astype(int), 0, len(hertz) - 1)
    return np.where(hertz[nearest] > 0, hertz[nearest], np.nan)


def compared(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Median difference in semitones, share more than a semitone apart, share of frames with equal voicing."""
    a, b = ~np.isnan(one), ~np.isnan(other)
    apart = np.abs(12 * np.log2(one[a & b] / other[a & b]))
    return float(np.median(apart)), float((apart > 1).mean()), float((a == b).mean())


def clips(folder: Path) -> list[Path]:
    """Real speech, and synthesised speech."""
    found = [Path(name) for name in sys.argv[1:]] or sorted(LIBRIVOX.glob("*.wav"))
    if shutil.which("espeak-ng"):
        for pace in ("120", "175"):
            subprocess.run(["espeak-ng", "-s", pace, "-w", str(folder / f"espeak {pace}.wav"), TEXT], check=True)
            found.append(folder / f"espeak {pace}.wav")
    return found


def main() -> int:
    """Each clip goes through both, one after the other, so that whatever else the machine does hits both alike."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}")
    print(f"  {'clip':<28}{'seconds':>8}{'median st':>11}{'> 1 st':>8}{'voicing':>9}{'times real':>12}{'Praat':>8}")
    worst, voicing = 0.0, 1.0
    with tempfile.TemporaryDirectory() as folder:
        try:
            import parselmouth  # noqa: F401
        except ImportError:
            print("  Praat is not installed (pip install praat-parselmouth): only known voices are compared")
        else:
            for path in clips(Path(folder)):
                samples, rate = read(path)
                begun = time.process_time()
                ours = contour(samples, rate)
                between = time.process_time()
                theirs = praat(samples, rate, ours)
                took, praat_took = between - begun, time.process_time() - between
                median, far, same = compared(ours.hertz, theirs)
                worst, voicing = max(worst, median), min(voicing, same)
                length = len(samples) / rate
                print(
                    f"  {path.stem[-26:]:<28}{length:8.1f}{median:11.3f}{far:8.1%}{same:9.1%}"
                    f"{length / took:11.0f}x{length / praat_took:7.0f}x"
                )
    for median, far, same, name in known():
        worst, voicing = (max(worst, median), min(voicing, same)) if name == "ours" else (worst, voicing)
        print(f"  {f'{KNOWN} known voices, {name}':<28}{KNOWN * 2.0:8.1f}{median:11.3f}{far:8.1%}{same:9.1%}")
    print("times real: seconds of speech per CPU second; ours first finds the range that Praat is then given")
    print(f"worst: {worst:.3f} semitones (promised: {SEMITONES}), voicing {voicing:.1%} (promised: {VOICING:.0%})")
    return 0 if worst <= SEMITONES and voicing >= VOICING else 1


def known() -> list[tuple[float, float, float, str]]:
    """Both trackers against the truth."""
    found: dict[str, list[np.ndarray]] = {"truth": [], "ours": [], "Praat": []}
    for number in range(KNOWN):
        made = voice(number)
        ours = contour(made.samples, RATE)
        truth = made.hertz[np.round(ours.times * RATE).astype(int)]
        found["truth"].append(np.where(truth > 0, truth, np.nan))
        found["ours"].append(ours.hertz)
        if "parselmouth" in sys.modules:
            found["Praat"].append(praat(made.samples, RATE, ours))
    truth = np.concatenate(found["truth"])
    return [(*compared(np.concatenate(found[n]), truth), n) for n in ("ours", "Praat") if found[n]]


if __name__ == "__main__":
    sys.exit(main())
