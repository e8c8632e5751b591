"""What the author wrote beside a recording is found, read and split into paragraphs, to the character."""

from __future__ import annotations

from pathlib import Path

import pytest

from tonewright.errors import BadInput
from tonewright.notes.transcript import read_transcript, sidecar_names, tone_of_folder

TONES = ["snark", "dry", "sincere", "playful", "wistful", "plain"]


def _paragraphs(path: Path) -> list[str]:
    transcript = read_transcript(path)
    return [transcript.text[start:end] for start, end in transcript.paragraphs]


def test_the_closest_name_comes_first() -> None:
    """A text before captions, and the name that includes the recording's own suffix before the short one."""
    assert sidecar_names("walk.m4a") == ["walk.m4a.txt", "walk.txt", "walk.m4a.srt", "walk.srt"]


def test_spans_point_at_the_words(tmp_path: Path) -> None:
    """Paragraph offsets cut exactly the written words, however many blank lines stand about."""
    path = tmp_path / "walk.txt"
    path.write_bytes("\ufeff\n\nFirst line\r\nsecond line. \r\n  \r\n\r\nCafé, naïve: ☕\n\n\n".encode())
    assert _paragraphs(path) == ["First line\nsecond line. ", "Café, naïve: ☕"]


def test_a_text_without_a_last_line_end_is_read_whole(tmp_path: Path) -> None:
    """The last character counts."""
    path = tmp_path / "walk.txt"
    path.write_text("One.\n\nTwo")
    assert _paragraphs(path) == ["One.", "Two"]


def test_tone_markers_stay_in_the_text(tmp_path: Path) -> None:
    """Markers belong to whoever reads tones: a transcript, plain or captions, hands them on untouched."""
    (tmp_path / "a.txt").write_text("Oh, <snark>grand</snark>.")
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nOh, <i><snark>grand</snark></i>.\n")
    assert _paragraphs(tmp_path / "a.txt") == _paragraphs(tmp_path / "a.srt") == ["Oh, <snark>grand</snark>."]


def test_captions_become_paragraphs_at_the_pauses(tmp_path: Path) -> None:
    """Numbers, times and styling go, lines join, and a long pause starts a paragraph."""
    path = tmp_path / "walk.srt"
    path.write_bytes(
        b"1\r\n00:00:00,500 --> 00:00:02,000\r\nI rang\r\n<b>the bell</b>.\r\n\r\n"
        b"2\r\n00:00:02,300 --> 00:00:04,000\r\n{\\an8}Twice, mind.\r\n\r\n"
        b"3\r\n00:00:07,000 --> 00:00:09,000 X1:40\r\nThen fog.\r\n1894\r\n"
    )
    assert _paragraphs(path) == ["I rang the bell. Twice, mind.", "Then fog. 1894"]


def test_a_copy_is_read_as_the_kind_it_was(tmp_path: Path) -> None:
    """Captions kept under a hash, without their suffix, are still captions; a text is still a text."""
    copy = tmp_path / "0f3ac9"
    copy.write_text("1\n00:00:00,000 --> 00:00:01,000\nThe bell.\n")
    assert read_transcript(copy, kind=".srt").text == "The bell.\n"
    assert read_transcript(copy, kind=".txt").text.startswith("1\n00:00")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("walk.txt", "One.\ncaf\xe9".encode("latin-1"), "walk.txt:2 is not UTF-8"),
        ("walk.txt", "One.".encode("utf-16"), "walk.txt:1 is not UTF-8"),
        ("walk.txt", b" \n\n\t\n", "holds no words"),
        ("walk.srt", b"1\n00:00:00,000 --> 00:00:01,000\n\n", "holds no words"),
        ("walk.srt", b"I only pasted the words here.\n", "has no captions"),
    ],
)
def test_a_transcript_that_cannot_be_used_is_explained(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    """The message names the file (and the line), the fault and a remedy."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadInput) as caught:
        read_transcript(path)
    assert said in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("path", "tone"),
    [
        ("wistful/walk.m4a", "wistful"),
        ("Wistful/walk.m4a", "wistful"),
        ("snark/2026/october/walk.m4a", "snark"),
        ("snark/dry/walk.m4a", "dry"),
        ("walk.m4a", None),
        ("misc/walk.m4a", None),
        ("misc/snark.m4a", None),
    ],
)
def test_the_nearest_tone_folder_counts(tmp_path: Path, path: str, tone: str | None) -> None:
    """A note takes the tone of the closest folder that names one; its own name does not count."""
    assert tone_of_folder(tmp_path / path, tmp_path, TONES) == tone


def test_folders_above_the_root_do_not_count(tmp_path: Path) -> None:
    """A watched folder that happens to be called "dry" says nothing about the notes in it."""
    root = tmp_path / "dry"
    assert tone_of_folder(root / "walk.m4a", root, TONES) is None
    assert tone_of_folder(tmp_path / "dry" / "walk.m4a", tmp_path / "elsewhere", TONES) is None


def test_accents_match_however_they_are_stored(tmp_path: Path) -> None:
    """A Mac stores é as two characters, and the tone is still found under its configured name."""
    assert tone_of_folder(tmp_path / "e\u0301mu" / "walk.m4a", tmp_path, ["\xe9mu"]) == "\xe9mu"


@pytest.mark.parametrize("second", ["00:00:00,500 --> 00:00:02,000", "00:00:09,000 --> 00:00:07,000"])
def test_captions_that_run_backwards_keep_their_words_and_lose_their_times(tmp_path: Path, second: str) -> None:
    """Wrong times are not believed; the words are the author's all the same, and a warning says so."""
    path = tmp_path / "note.srt"
    path.write_text(f"1\n00:00:01,000 --> 00:00:03,000\nThe bell rang.\n\n2\n{second}\nNobody came.\n")
    transcript = read_transcript(path)
    assert transcript.text.split() == ["The", "bell", "rang.", "Nobody", "came."]
    assert transcript.cues == ()
    assert "runs backwards" in transcript.warning


def test_a_book_beside_a_note_is_refused(tmp_path: Path) -> None:
    """Two megabytes are not what somebody said in one recording: refused before it is read, with a remedy."""
    path = tmp_path / "note.txt"
    path.write_text("The bell rang. " * 150_000)
    with pytest.raises(BadInput, match=r"note\.txt is 2\.\d MB.*keep only"):
        read_transcript(path)
