"""How the example voice note was made: espeak-ng reads the transcript, PyAV encodes it as a phone would.

Nothing needs this at run time, because the recording is kept. To make it again, install espeak-ng and the
`audio` extra, and run `python examples/make_note.py` from the repository's root.
"""

from __future__ import annotations

import io
import tempfile
import wave
from pathlib import Path

from tonewright.process import run

NOTE = Path(__file__).resolve().parent / "notes" / "wistful" / "2026-10-18-one-bell-more.m4a"
RATE = 22_050  # espeak-ng's own, so that nothing is resampled
BIT_RATE = 28_000
# A woman's voice, low and unhurried; the pause between paragraphs is espeak-ng's for an empty line.
VOICE = ["-v", "en-gb-x-rp+f3", "-s", "172", "-p", "32", "-g", "2"]


def speak(text: str) -> bytes:
    """Return `text` as espeak-ng says it: signed 16-bit mono PCM at `RATE`."""
    with tempfile.TemporaryDirectory() as folder:
        written, spoken = Path(folder, "note.txt"), Path(folder, "note.wav")
        written.write_text(text, encoding="utf-8")
        run(["espeak-ng", *VOICE, "-f", written, "-w", spoken])
        with wave.open(io.BytesIO(spoken.read_bytes())) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (RATE, 1, 2)
            pcm: bytes = sound.readframes(sound.getnframes())
            return pcm


def encode(pcm: bytes, destination: Path) -> None:
    """Write `pcm` as AAC in an m4a file, with the index at the end, as telephones leave it."""
    import av
    import numpy as np

    samples = np.frombuffer(pcm, dtype="<i2").reshape(1, -1)
    with av.open(str(destination), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono", bit_rate=BIT_RATE)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=RATE, frame_size=stream.codec_context.frame_size
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


def main() -> None:
    """Make the note from the transcript beside it."""
    encode(speak(NOTE.with_suffix(".txt").read_text(encoding="utf-8")), NOTE)
    print(f"{NOTE}: {NOTE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
