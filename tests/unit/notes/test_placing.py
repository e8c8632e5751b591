"""Sentences are put where they were said, and what does not fit together is said to."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")

from tests.synthetic import RATE, Said, speech, words  # noqa: E402  (after the skip)
from tonewright.notes.phrases import loudness, nuclei  # noqa: E402
from tonewright.notes.pitch import contour  # noqa: E402
from tonewright.notes.placing import (  # noqa: E402
    NO_SPEECH,
    TOO_FEW_WORDS,
    TOO_MANY_WORDS,
    place,
    sentence_spans,
    syllables,
)
from tonewright.notes.transcript import Transcript, read_transcript  # noqa: E402


def written(text: str) -> Transcript:
    return Transcript(text, [(0, len(text))])


def srt(path: Path, captions: list[tuple[float, float, str]]) -> Transcript:
    """A caption file as an editor writes it, read back."""

    def clock(t: float) -> str:
        return f"00:{int(t // 60):02}:{int(t % 60):02},{round(t % 1 * 1000):03}"

    path.write_text("\n".join(f"{i}\n{clock(a)} --> {clock(b)}\n{w}\n" for i, (a, b, w) in enumerate(captions, 1)))
    return read_transcript(path)


def test_sentences_of_a_plain_transcript_fall_on_their_pauses() -> None:
    """With long and short sentences, and pauses within them, hardly an edge is missed."""
    missed = total = 0
    for number in range(12):
        draw = random.Random(number)
        parts, text, truth = [], [], []
        for _ in range(draw.randint(2, 8)):
            pieces = [draw.randint(3, 12) for _ in range(draw.choice((1, 1, 2)))]
            rate = draw.uniform(4, 6)
            parts += [Said(n, rate, pause=0.3) for n in pieces[:-1]]
            parts.append(Said(pieces[-1], rate, pause=draw.uniform(0.35, 0.9)))
            text.append(words(sum(pieces)))
            truth.append(len(parts) - 1)
        samples, times = speech(parts, number)
        placed = place(written(" ".join(text)), loudness(samples, RATE)).sentences
        assert len(placed) == len(text)
        total += len(text)
        missed += sum(abs(p.until - times[i][1]) > 0.25 for p, i in zip(placed, truth))
        assert all(a.until <= b.begin for a, b in pairwise(placed))
        assert all(0 < p.confidence <= 0.8 and not p.flag for p in placed)
    assert missed <= 0.04 * total, f"{missed} of {total}"


def test_captions_are_moved_to_the_quiet_moments(tmp_path: Path) -> None:
    """Captions that are a little early or late still end in the pauses."""
    samples, times = speech([Said(8), Said(12), Said(6)])
    off = (0.1, -0.1, 0.12)
    captions = [(a + d, b + d, words(n)) for (a, b), d, n in zip(times, off, (8, 12, 6))]
    placed = place(srt(tmp_path / "note.srt", captions), loudness(samples, RATE))
    assert placed.bare == []
    for p, (a, b) in zip(placed.sentences, times):
        assert p.begin <= a + 0.05
        assert b - 0.05 <= p.until <= b + 0.4
        assert p.confidence == 0.9
        assert not p.flag


def test_two_sentences_in_one_caption_share_its_time(tmp_path: Path) -> None:
    """A boundary inside a caption is estimated, and trusted less."""
    samples, times = speech([Said(8), Said(8)])
    caption = (times[0][0], times[1][1], f"{words(8)} {words(8)}")
    first, second = place(srt(tmp_path / "n.srt", [caption]), loudness(samples, RATE)).sentences
    assert times[0][1] - 0.3 < first.until <= second.begin < times[1][0] + 0.3
    assert max(first.confidence, second.confidence) < 0.9


def test_speech_without_a_caption_and_captions_without_speech_are_flagged(tmp_path: Path) -> None:
    """A clause that the captions dropped is named by its time; a caption over silence says that nobody speaks."""
    samples, times = speech([Said(8), Said(10), Said(8, pause=4.0)])
    end = times[2][1]
    captions = [(*times[0], words(8)), (*times[2], words(8)), (end + 1.5, end + 3.0, words(6))]
    found = place(srt(tmp_path / "note.srt", captions), loudness(samples, RATE))
    assert len(found.bare) == 1
    assert found.bare[0] == pytest.approx(times[1], abs=0.1)
    assert [p.flag for p in found.sentences] == ["", "", NO_SPEECH]
    assert found.sentences[2].confidence < found.sentences[0].confidence


@pytest.mark.parametrize(("count", "flag"), [(80, TOO_MANY_WORDS), (3, TOO_FEW_WORDS), (20, "")])
def test_a_transcript_of_something_else_is_noticed(count: int, flag: str) -> None:
    """Four seconds of speech are neither eighty syllables nor three."""
    samples, _ = speech([Said(20)])
    (only,) = place(written(words(count)), loudness(samples, RATE)).sentences
    assert only.flag == flag


def test_silence_takes_no_sentence() -> None:
    """Without any speech every sentence is flagged, at time nought, with no confidence."""
    quiet = np.zeros(RATE, np.float32)
    assert [(p.flag, p.confidence) for p in place(written("One. Two."), loudness(quiet, RATE)).sentences] == [
        (NO_SPEECH, 0.0)
    ] * 2


def test_syllables_are_heard_and_read_alike() -> None:
    """The nuclei that are heard are the syllables that were said, and words are counted about right."""
    samples, _ = speech([Said(9), Said(14, 6.0), Said(5, 3.0)])
    assert len(nuclei(loudness(samples, RATE), contour(samples, RATE))) == 9 + 14 + 5
    assert syllables("The kettle gave up on Tuesday.") == 8
    assert syllables("Crème brûlée, 42 times") == 1 + 2 + 2 + 2
    assert syllables("Мы пили чай. 東京") == 1 + 2 + 1 + 1


def test_sentence_spans_are_the_text_itself() -> None:
    """Spans cut the transcript's own characters, over line ends and abbreviations, without leaving its paragraphs."""
    text = "  Mr.\nBell said no. “Did he?”\n\nHe did (twice).  \n"
    transcript = Transcript(text, [(2, 29), (31, 46)])
    assert [text[a:b] for a, b in sentence_spans(transcript)] == ["Mr.\nBell said no.", "“Did he?”", "He did (twice)."]
