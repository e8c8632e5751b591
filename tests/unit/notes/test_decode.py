"""Every recording becomes the same 16 kHz sound, or one sentence that says what is wrong and what to do."""

from __future__ import annotations

import random
import struct
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
av = pytest.importorskip("av")

from tonewright.errors import BadInput  # noqa: E402  (after the skips: without the extra there is nothing to test)
from tonewright.notes.decode import RATE, decode  # noqa: E402

LENGTH = 6.0
EVERY_KIND = [
    *(
        "wav",
        "m4a",
        "front.m4a",
        "alac.m4a",
        "ogg",
        "mp3",
        "bare.mp3",
        "flac",
        "webm",
        "aac",
        "caf",
        "aiff",
        "amr",
    )
]


def complaint(path: Path) -> str:
    """What the author reads: it names the file, is one sentence with a remedy, and fits on a screen."""
    with pytest.raises(BadInput) as caught:
        decode(path)
    error = caught.value
    assert path.name in error.what
    assert error.remedy
    assert "\n" not in str(error)
    assert "Errno" not in str(error)
    return str(error)


def keep_half(path: Path) -> Path:
    """Cut `path` in half, as an interrupted copy does."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_phone_format_decodes_to_the_same_shape(record: Callable[..., Path], kind: str) -> None:
    """All formats come out as float32 mono at 16 kHz, of the recorded length, at the recorded loudness."""
    sound = decode(record(kind))
    assert (sound.samples.dtype, sound.samples.ndim, sound.rate) == (np.float32, 1, RATE)
    assert sound.seconds == pytest.approx(LENGTH, abs=0.15)
    assert sound.seconds == len(sound.samples) / RATE
    assert sound.declared_seconds is None or sound.declared_seconds == pytest.approx(LENGTH, abs=0.15)
    assert 0.1 < float(np.sqrt(np.mean(sound.samples**2))) < 0.4
    assert sound.warnings == ()


def test_the_content_counts_and_the_name_does_not(record: Callable[..., Path], tmp_path: Path) -> None:
    """An mp3 that somebody renamed to m4a is a recording all the same."""
    assert decode(record("mp3").rename(tmp_path / "renamed.m4a")).seconds == pytest.approx(LENGTH, abs=0.15)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_copy_without_a_suffix_decodes(record: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    """Copies kept under their hash have no suffix to go by, and need none."""
    assert decode(record(kind).rename(tmp_path / "0f3ac9")).seconds == pytest.approx(LENGTH, abs=0.15)


def test_a_name_like_a_web_address_is_a_file(record: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A colon in a relative file name is not taken for a protocol."""
    folder = record("wav").rename(record("wav").with_name("http:note.wav")).parent
    monkeypatch.chdir(folder)
    assert decode(Path("http:note.wav")).seconds == pytest.approx(LENGTH, abs=0.15)


@pytest.mark.parametrize("kind", ["wav", "m4a", "front.m4a", "alac.m4a", "ogg", "mp3", "flac", "webm", "caf", "aiff"])
def test_a_recording_cut_in_half_is_refused(record: Callable[..., Path], kind: str) -> None:
    """Half a file is never taken for a shorter recording, even where the decoder itself reports nothing."""
    message = complaint(keep_half(record(kind)))
    assert "cut short" in message
    assert "copy it from the recorder again" in message


@pytest.mark.parametrize("kind", ["front.m4a", "mp3", "flac", "webm"])
def test_the_message_says_how_much_is_there(record: Callable[..., Path], kind: str) -> None:
    """Where the file tells its own length, the author reads how many seconds of how many survive."""
    assert " of 6.0 s can be decoded" in complaint(keep_half(record(kind)))


@pytest.mark.parametrize("kind", ["m4a", "mp3", "flac", "ogg"])
def test_damage_in_the_middle_costs_only_itself(record: Callable[..., Path], kind: str) -> None:
    """A scratch inside a recording leaves the rest usable, with a warning."""
    path = record(kind)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 500] = random.Random(7).randbytes(500)
    path.write_bytes(data)
    sound = decode(path)
    assert LENGTH * 0.8 < sound.seconds < LENGTH + 0.15
    assert all("damaged" in warning for warning in sound.warnings)


@pytest.mark.parametrize("suffix", ["m4a", "wav", "mp3", "ogg"])
def test_an_empty_file_is_named_as_such(tmp_path: Path, suffix: str) -> None:
    """Zero bytes are reported as zero bytes and not as a decoder's error number."""
    path = tmp_path / f"note.{suffix}"
    path.touch()
    assert "is empty (0 bytes)" in complaint(path)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(random.Random(1).randbytes(20_000), id="noise"),
        pytest.param(b"Dear Sir or Madam, I write about the sign.\n" * 50, id="a letter"),
        pytest.param(b"\0" * 20_000, id="zeros"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(2000), id="a picture"),
    ],
)
def test_what_is_no_audio_is_refused(tmp_path: Path, data: bytes) -> None:
    """A file that only has an audio suffix is called what it is."""
    path = tmp_path / "note.m4a"
    path.write_bytes(data)
    assert "not audio" in complaint(path)


def test_a_list_of_other_files_is_not_a_recording(record: Callable[..., Path], tmp_path: Path) -> None:
    """A text that tells FFmpeg to read another file is refused: a dropped note opens nothing but itself."""
    record("wav")
    path = tmp_path / "list.m4a"
    path.write_text("ffconcat version 1.0\nfile note.wav\n")
    assert "not audio" in complaint(path)


def test_a_header_alone_is_too_short(tmp_path: Path) -> None:
    """A recorder that was stopped at once leaves a valid header and no sound."""
    path = tmp_path / "note.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
    assert "0.00 s of sound" in complaint(path)


def test_a_click_is_too_short(record: Callable[..., Path]) -> None:
    """A fifth of a second holds no word."""
    assert "0.20 s of sound, too short" in complaint(record("wav", np.full(3200, 0.5, np.float32)))


@pytest.mark.parametrize("level", [0.0, 0.0005])
def test_silence_is_refused(record: Callable[..., Path], level: float) -> None:
    """Digital silence, or a microphone that was off, goes to no recogniser that would invent words."""
    quiet = np.random.default_rng(3).uniform(-level, level, 48_000).astype(np.float32)
    assert "is silent" in complaint(record("wav", quiet))


def test_a_film_without_sound_has_no_audio_stream(tmp_path: Path) -> None:
    """A video that was dropped by mistake is told apart from a broken recording."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(stream.encode(None))
    assert "no audio stream" in complaint(path)


def test_a_streamed_wav_decodes(tmp_path: Path) -> None:
    """A recorder that never filled in the length still made a recording."""
    tone = (8000 * np.sin(np.arange(32_000) / 8)).astype("<i2").tobytes()
    header = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 0xFFFFFFFF, b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16)
    path = tmp_path / "note.wav"
    path.write_bytes(header + struct.pack("<4sI", b"data", 0xFFFFFFFF) + tone)
    assert decode(path).seconds == pytest.approx(2.0, abs=0.01)


def test_space_reserved_by_a_copy_is_warned_about(record: Callable[..., Path]) -> None:
    """A wav of the right size whose second half is still zeros comes with a warning that says so."""
    path = record("wav")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    (warning,) = decode(path).warnings
    assert "last 3.0 s are exact zeros" in warning


def test_an_ogg_without_its_end_mark_comes_with_a_warning(record: Callable[..., Path]) -> None:
    """A recorder that lost power leaves whole pages: what is there is used, and the doubt is passed on."""
    path = record("ogg")
    data = path.read_bytes()
    path.write_bytes(data[: data.rfind(b"OggS")])
    sound = decode(path)
    assert sound.seconds > LENGTH / 2
    assert any("no end-of-stream mark" in warning for warning in sound.warnings)


def test_decoding_leaves_the_file_as_it_was(record: Callable[..., Path]) -> None:
    """The author's recording is read and never written."""
    path = record("m4a")
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    decode(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
