"""Recordings in every format that a phone makes, encoded on the spot by PyAV, and every way of spoiling them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

SECONDS = 6.0


@dataclass(frozen=True)
class Kind:
    """How a format is encoded: `name` ends in its suffix."""

    codec: str
    rate: int
    container: dict[str, str] = field(default_factory=dict)  # options of the muxer
    layout: str = "mono"
    encoder: dict[str, str] = field(default_factory=dict)


_EXPERIMENTAL = {"strict": "experimental"}
KINDS: dict[str, Kind] = {
    "wav": Kind("pcm_s16le", 16_000),
    "float.wav": Kind("pcm_f32le", 44_100),
    "stereo.wav": Kind("pcm_s16le", 44_100, layout="stereo"),
    "telephone.wav": Kind("pcm_s16le", 8_000),
    "m4a": Kind("aac", 44_100),
    "front.m4a": Kind("aac", 44_100, {"movflags": "faststart"}),
    "alac.m4a": Kind("alac", 44_100),
    "fragments.mp4": Kind("aac", 44_100, {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    "aac": Kind("aac", 44_100),
    "mp3": Kind("libmp3lame", 44_100),
    "bare.mp3": Kind("libmp3lame", 44_100, {"write_xing": "0"}),
    "ogg": Kind("libopus", 48_000),
    "opus": Kind("libopus", 48_000),
    "vorbis.ogg": Kind("vorbis", 44_100, layout="stereo", encoder=_EXPERIMENTAL),
    "flac": Kind("flac", 16_000),
    "aiff": Kind("pcm_s16be", 16_000),
    "caf": Kind("pcm_s16be", 16_000),
    "alac.caf": Kind("alac", 44_100),
    "webm": Kind("libopus", 48_000),
    "amr": Kind("libopencore_amrnb", 8_000),
    "3gp": Kind("libopencore_amrnb", 8_000),
}


def voice(seconds: float, rate: int) -> Any:
    """A buzzing tone that swells three times a second, float32, shape (n,)."""
    import numpy as np

    t = np.arange(int(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 9))
    return (0.25 * buzz * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * t))).astype(np.float32)


def silence(seconds: float, rate: int) -> Any:
    """Float32 zeros, shape (n,)."""
    import numpy as np

    return np.zeros(int(seconds * rate), np.float32)


def encode(path: Path, samples: Any, kind: Kind) -> Path:
    """Write float32 mono `samples` to `path`; its suffix chooses the container."""
    import av

    with av.open(str(path), "w", options=kind.container) as container:
        stream: Any = container.add_stream(kind.codec, rate=kind.rate, layout=kind.layout, options=kind.encoder)
        size = stream.codec_context.frame_size or None
        resampler = av.AudioResampler(format=stream.format, layout=kind.layout, rate=kind.rate, frame_size=size)
        if len(samples):
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = kind.rate, 0, Fraction(1, kind.rate)
            for piece in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def film(path: Path) -> Path:
    """A film without sound."""
    import av
    import numpy as np

    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(stream.encode(None))
    return path


def _hole(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)


def _scratched(data: bytes) -> bytes:
    """Four kilobytes of something else in the middle, or a quarter of a smaller file."""
    begin, width = len(data) // 2, min(4096, len(data) // 4)
    return data[:begin] + random.Random(7).randbytes(width) + data[begin + width :]


# What happens to the bytes of a good recording.
BYTES: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "cut in half": lambda data: data[: len(data) // 2],
    "first bytes": lambda data: data[:40],
    "zeros to the end": _hole,
    "scratched": _scratched,
    "empty": lambda data: b"",
    "random bytes": lambda data: random.Random(len(data)).randbytes(20_000),
    "a letter": lambda data: b"Dear Sir or Madam, I write about the sign.\n" * 50,
}
# What is recorded in place of a voice, and its length as a share of the usual one.
SOUNDS: dict[str, tuple[Callable[[float, int], Any], float]] = {
    "silent": (silence, 1.0),
    "a click": (voice, 0.02),
    "too long": (voice, 1.4),
}
OTHERS = ("header only", "a film", "other name", "still growing")
DAMAGES = (*BYTES, *SOUNDS, *OTHERS)


def spoiled(path: Path, kind: str, damage: str, seconds: float) -> bytes:
    """What a recording of this kind and damage consists of; `path` has the suffix of `kind` and is written over."""
    made = KINDS[kind]
    if damage in SOUNDS:
        sound, share = SOUNDS[damage]
        return encode(path, sound(seconds * share, made.rate), made).read_bytes()
    if damage == "a film":
        return film(path).read_bytes()
    good = encode(path, voice(seconds, made.rate), made).read_bytes()
    if damage == "header only":  # everything up to where two different recordings differ
        other = encode(path, voice(seconds, made.rate)[::-1].copy() / 2, made).read_bytes()
        return good[: next(i for i, (a, b) in enumerate(zip(good, other)) if a != b)]
    return BYTES.get(damage, BYTES["none"])(good)
