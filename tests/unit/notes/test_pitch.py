"""The tracker finds the pitch of voices whose pitch is known, and says nothing where nobody speaks."""

from __future__ import annotations

import pytest

from tests.conftest import Tell

np = pytest.importorskip("numpy")

from tests.synthetic import RATE, TRAPS, voice  # noqa: E402  (after the skip: without numpy there is nothing to test)
from tonewright.notes.pitch import STEP, contour  # noqa: E402

SMALL, ALL = 24, 200
MEDIAN_SEMITONES, VOICING = 0.1, 0.96


def follow(count: int) -> tuple[float, float, float, dict[str, float]]:
    """Median and 95th percentile of the error (semitones), share of rightly voiced frames, and that by trap."""
    errors, right = [], {trap: [] for trap in TRAPS}
    for number in range(count):
        made = voice(number)
        found = contour(made.samples, RATE)
        truth = made.hertz[np.round(found.times * RATE).astype(int)]
        voiced = ~np.isnan(found.hertz)
        both = voiced & (truth > 0)
        errors.append(np.abs(12 * np.log2(found.hertz[both] / truth[both])))
        right[made.trap].append(voiced == (truth > 0))
    every = np.concatenate(errors)
    shares = {trap: float(np.concatenate(r).mean()) for trap, r in right.items()}
    agreement = float(np.concatenate([x for r in right.values() for x in r]).mean())
    return float(np.median(every)), float(np.quantile(every, 0.95)), agreement, shares


def test_known_contours_are_followed() -> None:
    """Steady, gliding and trembling voices, with every trap, are followed within a tenth of a semitone."""
    median, _, agreement, _ = follow(SMALL)
    assert median <= MEDIAN_SEMITONES
    assert agreement >= VOICING


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_two_hundred_known_contours(tell: Tell) -> None:
    """The promise holds over many voices, and voicing for each trap on its own."""
    median, high, agreement, shares = follow(ALL)
    worst = min(shares, key=lambda trap: shares[trap])
    tell(
        f"{ALL} synthetic voices: pitch off by {median:.3f} semitones (median), {high:.3f} (95 %); "
        f"voicing right in {agreement:.1%} of frames, at worst {shares[worst]:.1%} ({worst})"
    )
    assert median <= MEDIAN_SEMITONES
    assert agreement >= VOICING
    assert all(share >= VOICING - 0.02 for share in shares.values())


@pytest.mark.parametrize("hertz", [90.0, 150.0, 310.0])
def test_a_steady_tone_is_that_tone_everywhere(hertz: float) -> None:
    """No frame of a steady buzz is an octave off, from the first to the last."""
    t = np.arange(RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 12)).astype(np.float32)
    found = contour(buzz, RATE)
    assert np.isfinite(found.hertz).all()
    assert np.abs(found.hertz / hertz - 1).max() < 0.003


@pytest.mark.parametrize("length", [1, 100, 700, RATE])
def test_no_voice_has_no_pitch(length: int) -> None:
    """Silence and hiss of any length, even shorter than a window, give frames without a pitch."""
    hiss = np.random.default_rng(1).standard_normal(length).astype(np.float32)
    for samples in (np.zeros(length, np.float32), 0.1 * hiss):
        found = contour(samples, RATE)
        assert len(found.times) >= 1
        assert np.isnan(found.hertz).mean() > 0.9
        assert (found.strength[np.isnan(found.hertz)] == 0).all()


def test_loudness_and_offset_do_not_matter() -> None:
    """A quiet copy with a constant offset, as cheap recorders make, gives the same contour."""
    made = voice(3)
    plain, other = contour(made.samples, RATE), contour(made.samples * 0.05 + 0.01, RATE)
    assert len(plain.hertz) == len(other.hertz) == pytest.approx(len(made.samples) / RATE / STEP, abs=6)
    same = np.isnan(plain.hertz) == np.isnan(other.hertz)
    assert same.mean() > 0.98
    assert np.nanmax(np.abs(12 * np.log2(plain.hertz / other.hertz))) < 0.2
