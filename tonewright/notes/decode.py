"""From any recording a phone makes to 16 kHz mono samples, or one sentence that says why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tonewright.errors import BadInput, Missing
from tonewright.notes.container import Truncated, check_container

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RATE = 16_000  # samples per second, what speech recognisers and our pitch tracker take
SHORTEST = 0.3  # seconds; below this there is no word in it
LONGEST = 3 * 3600.0  # seconds; an hour takes 230 MB of memory
SILENCE = 1e-3  # peak amplitude (full scale 1.0, so -60 dB) that no spoken word stays under
# Codec padding and rounding make lengths differ by this much; anything more is loss.
LENGTH_TOLERANCE = (0.3, 0.01)  # seconds, share of the declared length; the larger counts
MOST_LOST = 0.25  # share of the declared length; a recording with more than that gone is not worth keeping
ZERO_TAIL = 1.0  # seconds of exact zeros at the end of a PCM file that look like space reserved by a copy

_AGAIN = "copy it from the recorder again"
# Containers of sound only. FFmpeg also knows play lists and scene files, which name other files or hosts to
# read: a text file called note.m4a must not make us open them.
_OPEN_OPTIONS = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,mp3,wav,w64,ogg,flac,aac,aiff,caf,matroska,webm,amr",
    "protocol_whitelist": "file",
}
# Demuxers whose length is a guess from the bit rate.
_GUESSED_LENGTH = frozenset({"aac", "amr"})


@dataclass(frozen=True, eq=False)
class Sound:
    """A decoded recording.

    `samples` is float32 in [-1, 1], shape (n,), at `rate` samples per second; `seconds` = n / rate.
    `declared_seconds` is what the file says of itself, or None; `warnings` are sentences for the author.
    """

    samples: npt.NDArray[np.float32]
    rate: int
    seconds: float
    declared_seconds: float | None
    warnings: tuple[str, ...]


@dataclass
class _Decoded:
    """What came out of the file: sample arrays, where the last one ended, and what was lost on the way."""

    chunks: list[npt.NDArray[np.float32]]
    declared: float | None
    is_pcm: bool
    length: int = 0  # samples
    reached: float = 0.0  # seconds on the file's own clock
    bad_packets: int = 0
    bad_inside: int = 0  # bad packets with good sound after them: damage, not a cut


def decode(path: Path, longest: float = LONGEST) -> Sound:
    """Decode the first audio stream of `path`, skipping packets that are damaged; no more than `longest` seconds.

    Raises `BadInput` (empty, not audio, no audio stream, cut short, too short, too long, silent), `Missing` without the
    `audio` extra, and `OSError` when the file cannot be read at all.
    """
    state = check_container(path)
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty (0 bytes)", _AGAIN)
    decoded = _decode_packets(path, state, longest)
    samples = _joined(decoded.chunks)
    seconds = len(samples) / RATE
    warnings = [*_loss(path, decoded, seconds, state)]
    if not len(samples) and decoded.bad_packets:
        raise _not_audio(path)
    if seconds < SHORTEST:
        raise BadInput(f"{path} holds {seconds:.2f} s of sound, too short for a word", "record it again")
    if float(abs(samples).max()) < SILENCE:
        raise BadInput(f"{path} is silent", "check the microphone and record it again")
    if isinstance(state, Truncated):
        warnings.append(f"{state.reason}; the recorder may have stopped early")
    if decoded.is_pcm and (zeros := _trailing_zeros(samples) / RATE) > ZERO_TAIL:
        warnings.append(f"its last {zeros:.1f} s are exact zeros, as in a copy that has not ended")
    return Sound(samples, RATE, seconds, decoded.declared, tuple(warnings))


def _decode_packets(path: Path, state: object, longest: float) -> _Decoded:
    try:
        import av
        import numpy as np  # noqa: F401  (PyAV needs it for arrays and does not depend on it)
    except ImportError as e:
        raise Missing(
            "listening to recordings needs the audio extra, which is not installed",
            "pip install 'tonewright[audio]'",
        ) from e
    try:
        # The full path, since FFmpeg would read a relative "a:b.wav" as protocol a.
        with av.open(str(path.absolute()), options=_OPEN_OPTIONS, metadata_errors="replace") as container:
            if not container.streams.audio:
                if isinstance(state, Truncated) and not state.playable:
                    raise BadInput(f"{path} is cut short: {state.reason}", _AGAIN)
                raise BadInput(f"{path} has no audio stream", "export the sound track, or remove the file")
            stream = container.streams.audio[0]
            declared = _declared_seconds(path, container, stream)
            if (declared or 0.0) > longest:
                raise _too_long(path, longest)
            decoded = _Decoded([], declared, (stream.codec_context.name or "").startswith("pcm_"))
            for chunk in _tolerant_chunks(container, stream, decoded):
                decoded.chunks.append(chunk)
                decoded.length += len(chunk)
                if decoded.length > longest * RATE:
                    raise _too_long(path, longest)
            return decoded
    except (av.FFmpegError, ValueError) as e:
        if isinstance(state, Truncated) and not state.playable:
            raise BadInput(f"{path} is cut short: {state.reason}", _AGAIN) from e
        raise _not_audio(path) from e


def _not_audio(path: Path) -> BadInput:
    return BadInput(f"{path} is not audio that can be read", "convert it to m4a, or remove it")


def _too_long(path: Path, longest: float) -> BadInput:
    return BadInput(f"{path} is longer than {longest / 60:.3g} minutes", "cut it into parts, or remove it")


def _tolerant_chunks(container: Any, stream: Any, decoded: _Decoded) -> Iterator[npt.NDArray[np.float32]]:
    """Yield resampled float32 arrays, packet by packet, so that one bad packet costs only itself."""
    import av

    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            frames = packet.decode() if packet is not None else []
            resampled = [out for frame in frames for out in resampler.resample(frame)]
        except (av.FFmpegError, ValueError):  # ValueError: the sound's layout changed on the way
            decoded.bad_packets += 1
            continue
        if packet is None:
            break
        if frames:
            decoded.bad_inside = decoded.bad_packets
            last = frames[-1]
            if last.pts is not None and last.sample_rate:
                end = float(last.pts * last.time_base) + last.samples / last.sample_rate
                decoded.reached = max(decoded.reached, end)
        yield from (out.to_ndarray().reshape(-1) for out in resampled)
    yield from (out.to_ndarray().reshape(-1) for out in resampler.resample(None))


def _declared_seconds(path: Path, container: Any, stream: Any) -> float | None:
    """The length that the file states, or None where FFmpeg would only guess it."""
    kind = container.format.name
    if kind in _GUESSED_LENGTH or (kind == "mp3" and not _has_frame_count(path)):
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / 1_000_000 if container.duration else None


def _has_frame_count(path: Path) -> bool:
    """Whether an mp3 opens with the frame (Xing, Info or VBRI) that counts its frames."""
    with path.open("rb") as file:
        head = file.read(10)
        tag = 0
        if head[:3] == b"ID3":  # ID3v2 stores its length as four 7-bit bytes
            tag = 10 + sum((b & 0x7F) << shift for b, shift in zip(head[6:10], (21, 14, 7, 0)))
        file.seek(tag)
        first = file.read(512)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))


def _loss(path: Path, decoded: _Decoded, seconds: float, state: object) -> Iterator[str]:
    """Yield a warning for damage that leaves the recording usable; raise `BadInput` for one cut short."""
    declared = decoded.declared or 0.0
    seconds_off, share_off = LENGTH_TOLERANCE
    tolerance = max(seconds_off, share_off * declared)
    lost = declared - seconds
    ends_early = declared - max(decoded.reached, seconds) > tolerance and not decoded.bad_inside
    if (ends_early or lost > MOST_LOST * declared) and seconds > 0:
        raise BadInput(f"{path} is cut short: {seconds:.1f} of {declared:.1f} s can be decoded", _AGAIN)
    if isinstance(state, Truncated) and not state.playable:
        raise BadInput(f"{path} is cut short: {state.reason}", _AGAIN)
    if decoded.bad_inside or lost > tolerance:
        yield f"it is damaged: {seconds:.1f} of {max(declared, seconds):.1f} s can be decoded"


def _joined(chunks: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    import numpy as np

    return np.concatenate(chunks).astype(np.float32, copy=False) if chunks else np.zeros(0, np.float32)


def _trailing_zeros(samples: npt.NDArray[np.float32]) -> int:
    """How many samples at the end are exactly zero."""
    import numpy as np

    sounding = np.flatnonzero(samples)
    return len(samples) - (int(sounding[-1]) + 1 if len(sounding) else 0)
