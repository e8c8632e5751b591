"""Words on the clock: what every transcriber returns, and where the sentences among them end."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tonewright.notes.decode import Sound

LONGEST_SENTENCE = 12.0  # seconds; recognisers put commas where a speaker takes a breath
SENTENCE_PAUSE = 0.45  # seconds; a longer pause ends an overlong sentence, with or without a mark
DOUBTFUL = 0.4  # a recogniser's probability below which a word may well be another one

_END_MARK = re.compile(r"[.!?…]+[\"'”’)\]]*$")
_ANY_MARK = re.compile(r"[,;:.!?…–—-][\"'”’)\]]*$")
_ABBREVIATION = re.compile(
    r"^[\"'“‘(\[]*(?:mr|mrs|ms|dr|st|prof|sr|jr|vs|etc|e\.g|i\.e|cf|no|vol|fig|approx|dept|est|[a-z])\.$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Word:
    """A word that was heard: `start` and `end` in seconds of the recording, `probability` from 0 to 1."""

    start: float
    end: float
    text: str
    probability: float


class Transcriber(Protocol):
    """Hears words. `version` changes whenever the same recording may give other words."""

    name: str
    version: str

    def transcribe(self, sound: Sound, path: Path) -> list[Word]:
        """The words of a decoded recording in order, none where nobody speaks.

        `path` is the author's file: for messages, and for whoever must first ask whether it may leave the machine.
        Raises `Missing` for an extra or a model that is not here, `TryLater` for what time will mend.
        """
        ...


def split_sentences(words: Sequence[Word]) -> list[list[Word]]:
    """Words by sentence: at end marks that close no abbreviation, and nowhere longer than `LONGEST_SENTENCE`.

    What is longer is cut where the speaker paused: at the longest pause of `SENTENCE_PAUSE` after a mark, else at the
    longest such pause, else at the longest of all.
    """
    found: list[list[Word]] = []
    current: list[Word] = []
    for word in words:
        current.append(word)
        if _END_MARK.search(word.text) and not _ABBREVIATION.match(word.text):
            found += _shortened(current)
            current = []
    return found + _shortened(current)


def _shortened(sentence: list[Word]) -> list[list[Word]]:
    pieces = []
    rest = sentence
    while rest and rest[-1].end - rest[0].start > LONGEST_SENTENCE and len(rest) > 1:
        cut = _best_cut(rest)
        pieces.append(rest[:cut])
        rest = rest[cut:]
    return [*pieces, rest] if rest else pieces


def _best_cut(words: list[Word]) -> int:
    """How many of `words` make the first piece: the best place within the longest that it may be."""
    start = words[0].start
    far = max(1, sum(w.end - start <= LONGEST_SENTENCE for w in words[:-1]))
    near = min(far, 1 + sum(w.end - start < LONGEST_SENTENCE / 4 for w in words[:far]))

    def rank(at: int) -> tuple[int, float, int]:
        pause = words[at].start - words[at - 1].end
        paused = pause >= SENTENCE_PAUSE
        return paused + (paused and _ANY_MARK.search(words[at - 1].text) is not None), round(pause, 2), at

    return max(range(near, far + 1), key=rank)


def as_json(words: Sequence[Word], heard_by: str) -> str:
    """Words as they are kept beside the recording's copy, with the name and version of who heard them."""
    rows = [[round(w.start, 2), round(w.end, 2), w.text, round(w.probability, 3)] for w in words]
    return json.dumps({"heard_by": heard_by, "words": rows}, ensure_ascii=False)


def from_json(text: str) -> list[Word]:
    """The words of `as_json`."""
    return [Word(*row) for row in json.loads(text)["words"]]
