"""Words with times become text, sentences and paragraphs; speech that they do not cover is found."""

from __future__ import annotations

import pytest

pytest.importorskip("numpy")

from tests.synthetic import RATE, Said, speech, words
from tonewright.notes.phrases import loudness, nuclei
from tonewright.notes.pitch import contour
from tonewright.notes.placing import TOO_FEW_WORDS, TOO_MANY_WORDS, place
from tonewright.notes.transcript import Transcript, transcript_of
from tonewright.notes.words import LONGEST_SENTENCE, Word, as_json, from_json, split_sentences


def said(text: str, start: float = 0.0, each: float = 0.3, pause: float = 0.0) -> list[Word]:
    """These words one after the other; `pause` seconds follow each comma."""
    found = []
    for word in text.split():
        found.append(Word(start, start + each, word, 0.9))
        start += each + (pause if word.endswith(",") else 0.0)
    return found


def texts(heard: list[Word]) -> list[str]:
    return [" ".join(w.text for w in sentence) for sentence in split_sentences(heard)]


def test_sentences_end_at_marks_and_not_at_abbreviations() -> None:
    """ "Mr.", initials and "e.g." go on; "?", "!" and a mark inside quotes end a sentence."""
    assert texts(said("And Mr. J. Bell rang. Twice! “Why?” Because, e.g. fog, it could")) == [
        "And Mr. J. Bell rang.",
        "Twice!",
        "“Why?”",
        "Because, e.g. fog, it could",
    ]


def test_an_endless_sentence_is_cut_where_the_speaker_paused() -> None:
    """A recogniser that only writes commas: no piece is longer than the limit, and the cuts are at the pauses."""
    heard = said("the bell rang and nobody came up from the lower platform, " * 10, pause=0.6)
    pieces = split_sentences(heard)
    assert [w for piece in pieces for w in piece] == heard
    assert all(piece[-1].end - piece[0].start <= LONGEST_SENTENCE for piece in pieces)
    assert all(piece[-1].text == "platform," for piece in pieces)


def test_words_without_marks_or_pauses_are_cut_all_the_same() -> None:
    """Half an hour without a single mark or pause comes out in pieces of a usual length, in order."""
    heard = said("la " * 6000)
    pieces = split_sentences(heard)
    assert [w for piece in pieces for w in piece] == heard
    assert all(3.0 <= p[-1].end - p[0].start <= LONGEST_SENTENCE for p in pieces)


def test_text_sentences_and_times_agree() -> None:
    """Each sentence is found at its offsets, each word at its own; a long pause starts a paragraph."""
    heard = [*said("It rang. Once more."), *said("Nobody came.", start=4.0)]
    transcript = transcript_of(heard)
    assert transcript.text == "It rang. Once more.\n\nNobody came."
    assert [transcript.text[a:b] for a, b in transcript.sentences] == ["It rang.", "Once more.", "Nobody came."]
    assert [transcript.text[c.start : c.end] for c in transcript.cues] == [w.text for w in heard]
    assert len(transcript.paragraphs) == 2
    assert transcript_of(from_json(as_json(heard, "whisper"))).text == transcript.text


def test_a_speaker_without_pauses_gets_paragraphs() -> None:
    """Four hundred words in one breath do not become one passage."""
    paragraphs = transcript_of(said("The bell rang once more. " * 80)).paragraphs
    assert 3 <= len(paragraphs) <= 4


def test_unclear_words_are_known() -> None:
    """The share of words that were heard clearly is told per sentence, and is one for the author's own."""
    transcript = transcript_of([Word(0, 1, "A", 0.9), Word(1, 2, "mail.", 0.2), Word(2, 3, "Fine.", 0.8)])
    assert [transcript.certainty(*span) for span in transcript.sentences] == [0.5, 1.0]
    assert Transcript("A bell.", [(0, 7)]).certainty(0, 7) == 1.0


def test_a_clause_that_the_recogniser_dropped_is_found() -> None:
    """Two seconds of speech between two words, and a short word that is stretched over others, are both told."""
    samples, ((a, _), (c, d), (e, _)) = speech([Said(10), Said(10), Said(10)])
    loud = loudness(samples, RATE)
    peaks = nuclei(loud, contour(samples, RATE))
    first, last = said(words(10), a, 0.2), said(words(10), e, 0.2)
    gap = place(transcript_of([*first, *last]), loud, peaks).bare
    assert [(round(x), round(y)) for x, y in gap] == [(round(c), round(d))]
    stretched = place(transcript_of([*first, Word(c, d, "we", 0.9), *last]), loud, peaks).bare
    assert stretched == [(c, d)]
    whole = said(words(10), c, 0.2)
    assert place(transcript_of([*first, *whole, *last]), loud, peaks).bare == []
    long_word = Word(c, d, "extraordinarily-uncharacteristically", 0.9)
    assert place(transcript_of([*first, long_word, *last]), loud, peaks).bare == []


def test_words_that_were_left_out_of_a_text_are_noticed() -> None:
    """A written transcript with half of what was said is flagged, and so is one with ten times as much."""
    samples, _ = speech([Said(16), Said(16)])
    loud = loudness(samples, RATE)
    peaks = nuclei(loud, contour(samples, RATE))

    def flags(text: str) -> set[str]:
        return {p.flag for p in place(Transcript(text, [(0, len(text))]), loud, peaks).sentences}

    assert flags(f"{words(16)} {words(16)}") == {""}
    assert TOO_FEW_WORDS in flags(f"{words(6)} {words(6)}")
    assert flags(f"{words(16)} " * 20) == {TOO_MANY_WORDS}
    assert flags(f"{words(16)} " * 2000) == {TOO_MANY_WORDS}
