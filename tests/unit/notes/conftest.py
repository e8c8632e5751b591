"""Recordings of every kind that a phone makes, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SECONDS = 6.0
# file name suffix -> (encoder, sample rate, container options)
KINDS: dict[str, tuple[str, int, dict[str, str]]] = {
    "wav": ("pcm_s16le", 16_000, {}),
    "m4a": ("aac", 44_100, {}),
    "front.m4a": ("aac", 44_100, {"movflags": "faststart"}),
    "alac.m4a": ("alac", 44_100, {}),
    "ogg": ("libopus", 48_000, {}),
    "mp3": ("libmp3lame", 44_100, {}),
    "bare.mp3": ("libmp3lame", 44_100, {"write_xing": "0"}),
    "flac": ("flac", 16_000, {}),
    "webm": ("libopus", 48_000, {}),
    "aac": ("aac", 44_100, {}),
    "caf": ("pcm_s16be", 16_000, {}),
    "aiff": ("pcm_s16be", 16_000, {}),
    "amr": ("libopencore_amrnb", 8_000, {}),
}


def voice(seconds: float, rate: int) -> Any:
    """A buzzing tone that swells three times a second, float32, shape (n,)."""
    import numpy as np

    t = np.arange(int(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 9))
    return (0.25 * buzz * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * t))).astype(np.float32)


def encode(path: Path, samples: Any, rate: int, codec: str, options: dict[str, str]) -> Path:
    """Write float32 mono `samples` to `path`; its suffix chooses the container."""
    import av

    with av.open(str(path), "w", options=options) as container:
        stream: Any = container.add_stream(codec, rate=rate, layout="mono")
        size = stream.codec_context.frame_size or None
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate, frame_size=size)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = rate
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Make a recording: `record("m4a")`, `record("wav", samples=array)`."""
    pytest.importorskip("av")

    def make(kind: str, samples: Any = None) -> Path:
        codec, rate, options = KINDS[kind]
        if samples is None:
            samples = voice(SECONDS, rate)
        return encode(tmp_path / f"note.{kind}", samples, rate, codec, options)

    return make
