"""A file that is still arriving is told from one that is all there."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tonewright.notes.container import State, Truncated, Unknown, Whole, check_container

TELLING = ["wav", "m4a", "front.m4a", "alac.m4a", "ogg", "caf", "aiff"]
SILENT_ABOUT_IT = ["mp3", "flac", "webm", "aac", "amr"]


def _write(tmp_path: Path, data: bytes) -> State:
    path = tmp_path / "arriving"
    path.write_bytes(data)
    return check_container(path)


@pytest.mark.parametrize("kind", TELLING)
def test_a_finished_recording_is_whole(record: Callable[..., Path], kind: str) -> None:
    """No false alarm on any container that knows its own length."""
    assert check_container(record(kind)) == Whole()


@pytest.mark.parametrize("kind", SILENT_ABOUT_IT)
def test_containers_without_a_length_are_not_guessed_at(record: Callable[..., Path], kind: str) -> None:
    """Where the container cannot tell, the answer is Unknown for the whole file and for half of it."""
    path = record(kind)
    assert check_container(path) == Unknown()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert check_container(path) == Unknown()


@pytest.mark.parametrize("kind", TELLING)
def test_every_shorter_copy_is_truncated(record: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    """Cut anywhere, from a few bytes to all but one, no file passes for whole."""
    data = record(kind).read_bytes()
    cuts = [20, 60, *range(100, len(data) - 1, max(1, len(data) // 97)), len(data) - 1]
    passed = [cut for cut in cuts if _write(tmp_path, data[:cut]) == Whole()]
    assert passed == []


def test_an_empty_file_is_truncated(tmp_path: Path) -> None:
    """A name without bytes is a copy that has just begun."""
    assert _write(tmp_path, b"") == Truncated("it is empty")


@pytest.mark.parametrize("data", [b"x", b"RIFF", b"Dear Sir or Madam,\n" * 40, bytes(range(256)) * 8])
def test_what_is_no_audio_is_unknown_or_unfinished(tmp_path: Path, data: bytes) -> None:
    """Any bytes at all get an answer, and it is never Whole."""
    assert isinstance(_write(tmp_path, data), Unknown | Truncated)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_a_streaming_recorder_is_not_called_truncated(tmp_path: Path, length: int) -> None:
    """A wav whose recorder never filled in the length (0 or all ones) is a legitimate recording."""
    header = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", length, b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16)
    assert _write(tmp_path, header + struct.pack("<4sI", b"data", length) + b"\1\0" * 8000) == Unknown()


def test_space_reserved_for_an_mp4_is_seen(record: Callable[..., Path], tmp_path: Path) -> None:
    """A copy that set the final size first and has filled only half of it is not whole."""
    data = record("m4a").read_bytes()
    half = len(data) // 2
    assert isinstance(_write(tmp_path, data[:half] + bytes(len(data) - half)), Truncated)


def test_an_ogg_that_lost_only_its_end_mark_is_playable(record: Callable[..., Path], tmp_path: Path) -> None:
    """Whole pages without the end mark may be all that there will ever be, and the answer says so."""
    data = record("ogg").read_bytes()
    last = data.rfind(b"OggS")
    state = _write(tmp_path, data[:last])
    assert isinstance(state, Truncated)
    assert state.playable
