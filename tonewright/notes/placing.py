"""When each sentence of a transcript was said: from times of captions or words, or from the pauses, how surely."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tonewright.gate.language import sentences, words
from tonewright.notes.phrases import Loudness
from tonewright.notes.transcript import Cue, Transcript

SNAP = 0.2  # seconds that an edge may move to the quietest moment near it
FASTEST, SLOWEST = 9.0, 1.5  # syllables per second of speech; nobody reads aloud outside of these
NO_SPEECH = "nobody speaks here"
TOO_MANY_WORDS = "more words than were said here"
TOO_FEW_WORDS = "some speech here may have no words"

_FROM_CAPTIONS, _INSIDE_CAPTION, _FROM_PAUSES = 0.9, 0.6, 0.8  # the most that each way of placing is trusted
_BARE = 0.8  # seconds of speech outside every caption that are worth a word
_STRETCHED, _SWALLOWED = 1.0, 3  # seconds and syllables in one short word that must have swallowed others
_UNTOLD = (1.7, 4.0)  # syllables heard for each one written, and more; counting by ear errs by an eighth
_HOPELESS = 3.0  # times `FASTEST`: the words of some other recording, which it is no use to share out
_VOWELS = re.compile(r"[aeiouyæœøαεηιουωаеиоуыэюяіїє]+")
_SILENT_E = re.compile(r"[aeiouy].*[^aeiouyl]e$")  # as in "pause", not in "kettle", "me" or "brûlée"
# What a boundary between two sentences costs without a pause, and how much of it a pause of a second saves.
_NO_PAUSE, _PAUSE = 2.0, 1.0
_MOST_PLACES = 60  # pauses that are considered for one boundary


@dataclass(frozen=True)
class Placed:
    """A sentence: `[start:end)` in characters of the transcript, `[begin, until)` in seconds of the recording."""

    start: int
    end: int
    begin: float
    until: float
    confidence: float
    flag: str = ""
    certainty: float = 1.0  # share of its words that were heard clearly; 1.0 for the author's own


@dataclass(frozen=True)
class Placing:
    """All sentences in order, and stretches of speech (seconds) that no word covers."""

    sentences: list[Placed]
    bare: list[tuple[float, float]]


@dataclass(frozen=True)
class _Edge:
    """A place where a sentence may end: `spoken` seconds of speech lie before it."""

    spoken: float
    until: float
    begin: float  # where the next sentence would begin
    cost: float
    trust: float


def place(transcript: Transcript, loud: Loudness, peaks: Sequence[float] = ()) -> Placing:
    """Put every sentence on the clock. Captions say when; without them, sentences are shared out over the speech.

    Without captions each sentence is expected to take a share of the speech that equals its share of the syllables,
    and dynamic programming finds the pauses that fit these lengths best. `peaks` are the times of the syllables that
    were heard: where there are many more than the words have, some speech has no words.
    """
    text, spans = transcript.text, sentence_spans(transcript)
    if transcript.cues:
        placed = _by_captions(transcript.cues, spans, loud)
        bare = sorted([*_bare(transcript.cues, loud), *_stretched(transcript, peaks)])
        placed = [replace(p, certainty=round(transcript.certainty(p.start, p.end), 2)) for p in placed]
        return Placing([_flagged(p, text, loud, peaks) for p in placed], bare)
    counted = [(start, end, syllables(text[start:end])) for start, end in spans]
    if loud.speech and sum(count for _, _, count in counted) > _HOPELESS * FASTEST * sum(b - a for a, b in loud.speech):
        return Placing([Placed(start, end, 0.0, 0.0, 0.0, TOO_MANY_WORDS) for start, end in spans], [])
    return Placing([_flagged(p, text, loud, peaks) for p in _by_pauses(counted, loud)], [])


def sentence_spans(transcript: Transcript) -> list[tuple[int, int]]:
    """(start, end) in characters of every sentence that holds a word; none crosses a paragraph."""
    spans = [span for span in transcript.sentences if words(transcript.text[slice(*span)])]
    if transcript.sentences:
        return spans
    for at, end in transcript.paragraphs:
        for sentence in sentences(transcript.text[at:end]):
            # The splitter may have joined two lines with a space.
            found = re.compile(r"\s+".join(map(re.escape, sentence.split()))).search(transcript.text, at, end)
            if found and words(sentence):
                spans.append(found.span())
            at = found.end() if found else at
    return spans


def syllables(text: str) -> int:
    """About how many syllables `text` has: runs of vowels, with each digit as one; at least one per word."""
    count = 0
    for word in words(text):
        plain = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
        silent = word.endswith("e") and _SILENT_E.search(plain) is not None
        count += max(1, len(_VOWELS.findall(plain)) - silent + sum(c.isdigit() for c in plain))
    return count


def _flagged(placed: Placed, text: str, loud: Loudness, peaks: Sequence[float]) -> Placed:
    """Words that no speech covers, and the reverse, are said to be so and trusted less."""
    spoken = loud.spoken(placed.begin, placed.until)
    written = syllables(text[placed.start : placed.end])
    heard = sum(placed.begin <= peak <= placed.until for peak in peaks)
    rate = written / max(spoken, 1e-3)
    if spoken < 0.2 * (placed.until - placed.begin) or spoken == 0:
        flag = NO_SPEECH
    elif rate > FASTEST:
        flag = TOO_MANY_WORDS
    elif rate < SLOWEST or heard > _UNTOLD[0] * written + _UNTOLD[1]:
        flag = TOO_FEW_WORDS
    else:
        return placed
    return replace(placed, confidence=round(placed.confidence / 3, 2), flag=flag)


def _by_captions(cues: tuple[Cue, ...], spans: list[tuple[int, int]], loud: Loudness) -> list[Placed]:
    placed: list[Placed] = []
    for start, end in spans:
        begin, opens = _time_in(cues, start)
        until, closes = _time_in(cues, end)
        begin = loud.quietest(begin, SNAP)
        if placed:
            begin = max(begin, placed[-1].until)
        until = max(loud.quietest(until, SNAP), begin)
        trust = _FROM_CAPTIONS if opens and closes else _INSIDE_CAPTION
        placed.append(Placed(start, end, begin, until, trust))
    return placed


def _time_in(cues: tuple[Cue, ...], at: int) -> tuple[float, bool]:
    """When character `at` is said, and whether a caption begins or ends there."""
    cue = next((c for c in cues if at <= c.end), cues[-1])
    share = min(1.0, max(0.0, (at - cue.start) / max(1, cue.end - cue.start)))
    return cue.begin + share * (cue.until - cue.begin), share in (0.0, 1.0)


def _bare(cues: tuple[Cue, ...], loud: Loudness) -> list[tuple[float, float]]:
    """Speech between the captions, less what a caption may be early or late."""
    found = []
    edges = [0.0, *(t for c in cues for t in (c.begin - SNAP, c.until + SNAP)), float("inf")]
    for after, before in zip(edges[::2], edges[1::2]):
        for begin, until in loud.speech:
            begin, until = max(begin, after), min(until, before)
            if until - begin >= _BARE:
                found.append((begin, until))
    return found


def _stretched(transcript: Transcript, peaks: Sequence[float]) -> list[tuple[float, float]]:
    """Single words that last long and hold more syllables than they have: the recogniser dropped some after them."""
    found = []
    for cue in transcript.cues:
        word = transcript.text[cue.start : cue.end]
        if cue.until - cue.begin > _STRETCHED and len(word.split()) == 1:
            heard = sum(cue.begin <= peak <= cue.until for peak in peaks)
            if heard >= max(_SWALLOWED, syllables(word) + 2):
                found.append((cue.begin, cue.until))
    return found


def _by_pauses(spans: list[tuple[int, int, int]], loud: Loudness) -> list[Placed]:
    """`spans` are (start, end, syllables)."""
    total = sum(end - begin for begin, end in loud.speech)
    if not spans or total == 0:
        return [Placed(start, end, 0.0, 0.0, 0.0) for start, end, _ in spans]
    per_syllable = total / sum(count for _, _, count in spans)
    lengths = [count * per_syllable for _, _, count in spans]
    opening = _Edge(0.0, 0.0, loud.speech[0][0], 0.0, 1.0)
    edges = [opening, *_best_edges(lengths, opening, loud, total)]
    placed = []
    for (start, end, _), length, left, right in zip(spans, lengths, edges, edges[1:]):
        misfit = _misfit(right.spoken - left.spoken, length)
        trust = _FROM_PAUSES * (left.trust + right.trust) / 2 / (1.0 + misfit)
        placed.append(Placed(start, end, left.begin, max(left.begin, right.until), round(trust, 2)))
    return placed


def _best_edges(lengths: list[float], opening: _Edge, loud: Loudness, total: float) -> list[_Edge]:
    """Where each sentence ends, so that lengths and pauses fit best over the whole recording."""
    pauses = _pauses(loud)
    layers = [[opening]]
    costs = [[0.0]]
    came: list[list[int]] = []
    expected = 0.0
    for i, length in enumerate(lengths):
        expected += length
        if i == len(lengths) - 1:
            layer = [_Edge(total, loud.speech[-1][1], loud.speech[-1][1], 0.0, 1.0)]
        else:
            near = sorted(pauses, key=lambda p: abs(p.spoken - expected))[:_MOST_PLACES]
            layer = [*near, _between(loud, expected)]
        best = [
            min(
                (cost + _misfit(edge.spoken - before.spoken, length) + edge.cost, j)
                for j, (before, cost) in enumerate(zip(layers[-1], costs[-1]))
            )
            for edge in layer
        ]
        layers.append(layer)
        costs.append([cost for cost, _ in best])
        came.append([j for _, j in best])
    chosen, at = [], 0
    for layer, back in zip(reversed(layers), reversed(came)):
        chosen.append(layer[at])
        at = back[at]
    return chosen[::-1]


def _misfit(spoken: float, expected: float) -> float:
    """How badly a length fits, as a squared number of usual deviations; going backwards is out of the question."""
    return ((spoken - expected) / (0.3 * expected + 0.2)) ** 2 if spoken >= 0 else float("inf")


def _pauses(loud: Loudness) -> list[_Edge]:
    found, spoken = [], 0.0
    for (begin, until), (following, _) in zip(loud.speech, loud.speech[1:]):
        spoken += until - begin
        gap = min(1.0, following - until)
        found.append(_Edge(spoken, until, following, _NO_PAUSE - _PAUSE - _PAUSE * gap, 0.5 + gap / 2))
    return found


def _between(loud: Loudness, spoken: float) -> _Edge:
    """A boundary without a pause, after `spoken` seconds of speech."""
    left = spoken
    for begin, until in loud.speech:
        if left <= until - begin:
            break
        left -= until - begin
    moment = loud.quietest(min(begin + left, until), SNAP)
    return _Edge(spoken, moment, moment, _NO_PAUSE, 0.3)
