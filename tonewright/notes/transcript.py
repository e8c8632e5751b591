"""What was said in a recording, as its author wrote it beside it or a machine heard it, and its folder's tone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from tonewright.errors import BadInput
from tonewright.notes.words import DOUBTFUL, Word, from_json, split_sentences

WORDS = ".words"  # the kind of a transcript that a machine heard: words with times, as JSON
LARGEST = 1_000_000  # bytes; an hour of speech is 60 kB of text, so this belongs to something else

_PARAGRAPH = re.compile(r"\S.*?(?=\n[^\S\n]*\n|\s*\Z)", re.DOTALL)
_CUE_TIMES = re.compile(
    r"^\s*(\d+):(\d\d):(\d\d)[,.](\d{1,3})\s*-->\s*(\d+):(\d\d):(\d\d)[,.](\d{1,3})[^\n]*$", re.MULTILINE
)
_CUE_STYLING = re.compile(r"</?(?:b|i|u|font)\b[^>]*>|\{\\[^}]*\}", re.IGNORECASE)
_PARAGRAPH_PAUSE = 1.5  # seconds between two captions, or sentences that a machine heard, that start a paragraph

_PARAGRAPH_WORDS = 100  # of a speaker who never pauses that long


@dataclass(frozen=True)
class Cue:
    """A caption or a word: `[start:end)` in characters of the transcript's text, from `begin` `until` (seconds).

    `probability` is how sure a machine was to have heard this; 1 for what the author wrote.
    """

    start: int
    end: int
    begin: float
    until: float
    probability: float = 1.0


@dataclass(frozen=True)
class Transcript:
    """The words of one recording.

    `paragraphs` and `sentences` are (start, end) character offsets into `text`, in order; `sentences` is empty where
    only the text can tell them. `cues` say when what was said, if known. `warning` is a sentence for the author.
    """

    text: str
    paragraphs: list[tuple[int, int]]
    cues: tuple[Cue, ...] = ()
    sentences: tuple[tuple[int, int], ...] = ()
    warning: str = ""

    def certainty(self, start: int, end: int) -> float:
        """Share of the words in `[start:end)` that were heard clearly; 1.0 for what the author wrote."""
        heard = [cue.probability >= DOUBTFUL for cue in self.cues if start <= cue.start and cue.end <= end]
        return sum(heard) / len(heard) if heard else 1.0


def sidecar_names(audio: str) -> list[str]:
    """What the transcript of a recording called `audio` may be called, the most exact name first."""
    stem = PurePath(audio).stem
    return [name + suffix for suffix in (".txt", ".srt") for name in (audio, stem)]


def read_transcript(path: Path, *, kind: str | None = None) -> Transcript:
    """Read a `.txt` (as it is), `.srt` (captions joined into paragraphs) or `WORDS` (heard by a machine) transcript.

    `kind` is the suffix to go by, for a copy that was kept under another name.
    Line ends become `\\n` and a byte-order mark is dropped; nothing else of a `.txt` changes.
    Raises `BadInput` when the file is not UTF-8, too large, holds no words, or is an `.srt` without a single caption.
    """
    kind = path.suffix.lower() if kind is None else kind
    if kind == WORDS:
        return transcript_of(from_json(path.read_text(encoding="utf-8")))
    if (size := path.stat().st_size) > LARGEST:
        raise BadInput(
            f"{path} is {size / 1e6:.1f} MB, more than anybody says in a day", "keep only this recording's words"
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = path.read_bytes()[: e.start].count(b"\n") + 1
        raise BadInput(f"{path}:{line} is not UTF-8 text", "save the transcript as UTF-8") from e
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cues: list[Cue] = []
    if kind == ".srt":
        text, cues = _captions_to_text(path, text)
    paragraphs = [m.span() for m in _PARAGRAPH.finditer(text)]
    if not paragraphs:
        raise BadInput(f"{path} holds no words", "write down what was said, or remove the file")
    wrong = next((c for a, c in zip([None, *cues], cues) if c.until <= c.begin or (a and c.begin < a.begin)), None)
    if wrong is None:
        return Transcript(text, paragraphs, tuple(cues))
    warning = f"the caption at {wrong.begin:.1f} s runs backwards, so no caption's time is used"
    return Transcript(text, paragraphs, warning=warning)


def transcript_of(words: Sequence[Word]) -> Transcript:
    """What a machine heard as text: sentences by marks and pauses, paragraphs by longer pauses."""
    text, last_end = "", 0.0
    cues: list[Cue] = []
    spans: list[tuple[int, int]] = []
    for sentence in split_sentences([w for w in words if w.text.strip()]):
        if text:
            is_long = len(text[text.rfind("\n") + 1 :].split()) >= _PARAGRAPH_WORDS
            text += "\n\n" if is_long or sentence[0].start - last_end >= _PARAGRAPH_PAUSE else " "
        start = len(text)
        for word in sentence:
            text += (" " if len(text) > start else "") + word.text.strip()
            cues.append(Cue(len(text) - len(word.text.strip()), len(text), word.start, word.end, word.probability))
        spans.append((start, len(text)))
        last_end = sentence[-1].end
    return Transcript(text, [m.span() for m in _PARAGRAPH.finditer(text)], tuple(cues), tuple(spans))


def tone_of_folder(path: Path, root: Path, vocabulary_names: Iterable[str]) -> str | None:
    """The tone named by the nearest folder between `root` (not itself) and `path`, or None.

    Case does not count, and neither does the form in which a file system stores accents.
    """
    try:
        folders = path.relative_to(root).parts[:-1]
    except ValueError:
        return None
    tones = {_folded(name): name for name in vocabulary_names}
    return next((tones[_folded(f)] for f in reversed(folders) if _folded(f) in tones), None)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _captions_to_text(path: Path, source: str) -> tuple[str, list[Cue]]:
    """Join SubRip captions with spaces; a pause starts a new paragraph."""
    cues = list(_CUE_TIMES.finditer(source))
    if not cues:
        raise BadInput(f"{path} has no captions", "save it as SubRip (00:00:01,000 --> 00:00:04,000), or as .txt")
    text = ""
    timed: list[Cue] = []
    last_end = 0.0
    for cue, following in zip(cues, [*cues[1:], None]):
        body = source[cue.end() : following.start() if following else len(source)]
        if following:  # the next caption's number stands between this body and the next times
            body = re.sub(r"\n\s*\d+\s*\Z", "", body)
        words = " ".join(_CUE_STYLING.sub("", body).split())
        start, end = _seconds(cue.groups()[:4]), _seconds(cue.groups()[4:])
        if words:
            joint = "\n\n" if start - last_end >= _PARAGRAPH_PAUSE else " "
            text = f"{text}{joint}{words}" if text else words
            timed.append(Cue(len(text) - len(words), len(text), start, end))
            last_end = end
    return (text + "\n" if text else ""), timed


def _seconds(fields: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (f or "0" for f in fields)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")
