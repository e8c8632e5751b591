"""Which characters of a Markdown file may be rewritten, and whether an answer still fits there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tonewright.posts.blocks import scan
from tonewright.posts.passages import split_passages, text_of
from tonewright.posts.post import parse
from tonewright.tones.marks import strip_marks
from tonewright.tones.vocabulary import Vocabulary

_HARD_BREAK = re.compile(r"(?: {2,}|\\)\r?\n")


@dataclass(frozen=True)
class Prose:
    """What `[start:end)` of a file says, on one line; `locked` tells why it has to stay as it is."""

    start: int
    end: int
    text: str
    tones: tuple[str, ...]  # written on it by hand
    locked: str = ""


def prose(text: str, path: str, vocabulary: Vocabulary) -> Iterator[Prose]:
    """The paragraphs of the author's own prose in `text`, in order, without the marks around them.

    Front matter, code, quotations, lists, tables, HTML and templates never come up. Raises `BadInput` naming
    `path` and line for a header or a mark that cannot be read.
    """
    for passage in split_passages(parse(text.encode(), path), vocabulary):
        written = text[passage.start : passage.end]
        bare = strip_marks(written, vocabulary)
        at = written.find(bare)
        if at < 0:
            yield Prose(passage.start, passage.end, passage.text, passage.tones, "a tone is marked inside of it")
            continue
        start = passage.start + at
        locked = "its line breaks are part of it" if _HARD_BREAK.search(bare) else ""
        yield Prose(start, start + len(bare), text_of(bare, vocabulary), passage.tones, locked)


def one_paragraph(answer: str, vocabulary: Vocabulary) -> bool:
    """Whether `answer`, put in the place of a paragraph, is one, and not a list or a heading."""
    return [block.kind for block in scan(answer, 0, vocabulary.names)] == ["prose"]
