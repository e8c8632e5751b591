"""How `search`, `related` and `ask` show what they found: where it stands, when it was written, what it says."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Set
from dataclasses import asdict
from typing import Any

from tonewright.cli import show
from tonewright.search.archive import Archive
from tonewright.search.chunks import Chunk
from tonewright.search.query import Passage, Question
from tonewright.search.quoting import snippet

_BOLD, _PLAIN = "\033[1m", "\033[0m"


def indexing(done: int, of: int) -> None:
    """Tell that the index catches up, on a terminal, when that takes more than a moment."""
    if of > 200 and sys.stderr.isatty():
        show.progress(f"indexing {done} of {of}", last=done == of)


def place(chunk: Chunk) -> str:
    """The permalink, or the path and line where there is none."""
    return chunk.permalink or f"{chunk.path}:{chunk.line}"


def heading(chunk: Chunk) -> str:
    """Title, headings and day of a chunk on one line."""
    named = " › ".join(part for part in (chunk.title, chunk.headings) if part)
    return "  ".join(part for part in (named, chunk.written) if part)


def print_passages(archive: Archive, question: Question, passages: Iterable[Passage]) -> None:
    """Three lines for each; the words that were found are bold on a terminal."""
    marks = (_BOLD, _PLAIN) if sys.stdout.isatty() else ("", "")
    for passage in passages:
        print(heading(passage.chunk))
        print(f"  {place(passage.chunk)}")
        print(f"  {snippet(archive.index, _stems(archive, question), passage.chunk.text, *marks)}\n")


def as_record(archive: Archive, question: Question, passage: Passage) -> dict[str, Any]:
    """One passage for a program."""
    shown = snippet(archive.index, _stems(archive, question), passage.chunk.text)
    return {**as_source(passage.chunk), "text": passage.chunk.text, "snippet": shown, "score": round(passage.score, 4)}


def as_source(chunk: Chunk) -> dict[str, Any]:
    """Where a chunk stands, for a program."""
    whole = asdict(chunk)
    return {name: whole[name] for name in ("kind", "path", "line", "written", "title", "headings", "permalink")}


def _stems(archive: Archive, question: Question) -> Set[str]:
    return set(archive.index.stems(question.words))
