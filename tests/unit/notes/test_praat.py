"""Praat in place of our tracker gives the same numbers within what is promised, on voices whose pitch is known."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.conftest import Tell

np = pytest.importorskip("numpy")
pytest.importorskip("parselmouth")

from tests.synthetic import RATE, Said, speech, voice, words  # noqa: E402  (after the skips)
from tonewright.notes import pitch, praat  # noqa: E402
from tonewright.notes.decode import decode  # noqa: E402
from tonewright.notes.prosody import hear  # noqa: E402
from tonewright.notes.transcript import Transcript  # noqa: E402

LIBRIVOX = Path("/usr/share/pocketsphinx/test/data/librivox")


def test_both_trackers_agree() -> None:
    """Twelve voices: the median difference is below a tenth of a semitone, voicing agrees in 96 of 100 frames."""
    apart, same = [], []
    for number in range(12):
        samples = voice(number).samples
        ours, theirs = pitch.contour(samples, RATE), praat.contour(samples, RATE)
        nearest = np.abs(theirs.times[None, :] - ours.times[:, None]).argmin(axis=1)
        other = theirs.hertz[nearest]
        both = ~np.isnan(ours.hertz) & ~np.isnan(other)
        apart.append(np.abs(12 * np.log2(ours.hertz[both] / other[both])))
        same.append(np.isnan(ours.hertz) == np.isnan(other))
    assert float(np.median(np.concatenate(apart))) <= 0.1
    assert float(np.concatenate(same).mean()) >= 0.96


@pytest.mark.proof
@pytest.mark.timeout(300)
def test_both_trackers_agree_on_real_speech(tell: Tell) -> None:
    """Public-domain readings from LibriVox: below a tenth of a semitone apart, voicing agrees in 96 of 100 frames."""
    clips = sorted(LIBRIVOX.glob("*.wav"))
    if not clips:
        pytest.skip("needs LibriVox's clips: apt install pocketsphinx-testdata")
    apart, same, seconds = [], [], 0.0
    for clip in clips:
        sound = decode(clip)
        seconds += sound.seconds
        ours = pitch.contour(sound.samples, sound.rate)
        theirs = praat.contour(sound.samples, sound.rate)
        other = theirs.hertz[np.abs(theirs.times[None, :] - ours.times[:, None]).argmin(axis=1)]
        both = ~np.isnan(ours.hertz) & ~np.isnan(other)
        apart.append(float(np.median(np.abs(12 * np.log2(ours.hertz[both] / other[both])))))
        same.append(float((np.isnan(ours.hertz) == np.isnan(other)).mean()))
    told = f"median difference at most {max(apart):.3f} semitones, voicing at least {min(same):.1%}"
    tell(f"{len(clips)} readings, {seconds:.0f} s, against Praat: {told}")
    assert max(apart) <= 0.1
    assert min(same) >= 0.96


def test_features_do_not_depend_on_who_tracks() -> None:
    """The same sentences through both: pitch, range and pace are told alike."""
    samples, _ = speech([Said(15, 5.0, 150.0, 6.0), Said(12, 4.0, 100.0, 2.0)])
    text = f"{words(15)} {words(12)}"
    transcript = Transcript(text, [(0, len(text))])
    for one, other in zip(
        hear(samples, RATE, transcript).features, hear(samples, RATE, transcript, praat.contour).features
    ):
        for name, within in (("f0_median", 0.3), ("f0_range", 0.7), ("rate", 0.6)):
            assert asdict(one)[name] == pytest.approx(asdict(other)[name], abs=within), name


def test_a_sound_that_is_shorter_than_a_window_has_no_pitch() -> None:
    """Ten milliseconds and pure silence raise nothing."""
    for samples in (np.zeros(160, np.float32), np.zeros(RATE, np.float32)):
        assert np.isnan(praat.contour(samples, RATE).hertz).all()
    assert "parselmouth" in sys.modules
