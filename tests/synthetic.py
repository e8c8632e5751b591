"""Voices whose pitch is known exactly: harmonic tones made with numpy, steady or moving, clean or hard to follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

RATE = 16_000
MOVES = ("steady", "glide", "vibrato", "sentence")
TRAPS = ("none", "weak fundamental", "strong second", "every other pulse", "noise", "telephone")


@dataclass(frozen=True, eq=False)
class Voice:
    """`samples` and the truth, `hertz`, both of shape (n,) at `RATE`; hertz is 0 where there is no voice."""

    samples: Any
    hertz: Any
    move: str
    trap: str


def voice(number: int, seconds: float = 2.0) -> Voice:
    """The same voice for the same number; moves and traps take turns, everything else is drawn from it."""
    import numpy as np

    rng = np.random.default_rng(number)
    move, trap = MOVES[number % len(MOVES)], TRAPS[number // len(MOVES) % len(TRAPS)]
    t = np.arange(int(seconds * RATE)) / RATE
    base = float(np.exp(rng.uniform(np.log(80), np.log(320))))
    hertz = base * 2 ** (_semitones(move, t / seconds, t, rng) / 12)
    gate = _gate(len(t), rng)
    sound = _harmonics(hertz, trap) * np.convolve(gate, np.hanning(160) / np.hanning(160).sum(), "same")
    decibels = rng.uniform(15, 20) if trap == "noise" else rng.uniform(35, 50)
    noise = rng.standard_normal(len(t)) * np.sqrt((sound**2).mean()) * 10 ** (-decibels / 20)
    samples = sound + noise
    return Voice((0.4 * samples / np.abs(samples).max()).astype(np.float32), np.where(gate, hertz, 0.0), move, trap)


def _semitones(move: str, share: Any, t: Any, rng: Any) -> Any:
    import numpy as np

    if move == "steady":
        return np.zeros(len(t))
    if move == "glide":
        return rng.choice([-1, 1]) * rng.uniform(3, 9) * (share - 0.5)
    if move == "vibrato":
        return rng.uniform(0.3, 1.5) * np.sin(2 * np.pi * rng.uniform(4, 6.5) * t)
    # A sentence sinks, with accents on the way.
    return -5 * share + rng.uniform(1, 3) * np.sin(2 * np.pi * rng.uniform(1, 2.5) * t + rng.uniform(0, 6))


def _gate(length: int, rng: Any) -> Any:
    """Whether there is voice: stretches of 0.4 to 0.9 s with gaps of 0.1 to 0.3 s."""
    import numpy as np

    gate = np.zeros(length, bool)
    at = int(rng.uniform(0.05, 0.2) * RATE)
    while at < length - int(0.2 * RATE):
        end = min(at + int(rng.uniform(0.4, 0.9) * RATE), length - int(0.05 * RATE))
        gate[at:end] = True
        at = end + int(rng.uniform(0.1, 0.3) * RATE)
    return gate


def _harmonics(hertz: Any, trap: str) -> Any:
    """Partials that fall off as in a voice, with two formants; the trap makes an octave look likelier than it is."""
    import numpy as np

    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    sound = np.zeros(len(hertz))
    for k in range(1, 31):
        partial = k * hertz
        formants = 0.15 + np.exp(-(((partial - 550) / 250) ** 2)) + 0.5 * np.exp(-(((partial - 1500) / 350) ** 2))
        weight = formants / k**0.5
        if trap == "weak fundamental" and k == 1:
            weight = weight * 0.05
        if trap == "strong second" and k == 2:
            weight = weight * 3
        if trap == "telephone":
            weight = weight * ((partial > 300) & (partial < 3400))
        sound += np.where(partial < 0.45 * RATE, weight, 0.0) * np.sin(k * phase)
    if trap == "every other pulse":
        sound *= 1 + 0.08 * np.sin(phase / 2)
    return sound


@dataclass(frozen=True)
class Said:
    """A sentence to be said: syllables per second, hertz in the middle, semitones from its top to its bottom."""

    syllables: int
    rate: float = 5.0
    hertz: float = 120.0
    span: float = 5.0
    pause: float = 0.5  # seconds of silence after it


def said(sentence: Said) -> Any:
    """A sinking voice that swells once per syllable, without the pause; float32, shape (n,)."""
    import numpy as np

    t = np.arange(int(sentence.syllables / sentence.rate * RATE)) / RATE
    share = t / max(t[-1], 1e-9)
    hertz = sentence.hertz * 2 ** (sentence.span * (0.5 - share) / 12)
    swell = 0.12 + np.sin(np.pi * sentence.rate * t) ** 2
    return (0.1 * _harmonics(hertz, "none") * swell).astype(np.float32)


def speech(sentences: list[Said], seed: int = 0) -> tuple[Any, list[tuple[float, float]]]:
    """A recording with a little room noise, and when each sentence begins and ends in seconds."""
    import numpy as np

    parts, times, at = [np.zeros(RATE // 4, np.float32)], [], 0.25
    for sentence in sentences:
        parts += [said(sentence), np.zeros(int(sentence.pause * RATE), np.float32)]
        times.append((at, at + len(parts[-2]) / RATE))
        at += (len(parts[-2]) + len(parts[-1])) / RATE
    samples = np.concatenate(parts)
    return samples + 2e-4 * np.random.default_rng(seed).standard_normal(len(samples)).astype(np.float32), times


def words(syllables: int) -> str:
    """A sentence of so many syllables."""
    return " ".join(["la"] * syllables).capitalize() + "."
