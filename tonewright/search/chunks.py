"""What is searched: each passage of each live document, with its title, its headings and where to find it."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tonewright.errors import BadInput
from tonewright.posts.blocks import scan
from tonewright.posts.post import Post, parse
from tonewright.repository import Repository
from tonewright.search.site import Site
from tonewright.workspace import Workspace

POST, NOTE = "post", "note"
_ATX = re.compile(r"\s{0,3}(#{1,6})\s*(.*?)\s*#*\s*$")
_HEADING_MARKS = re.compile(r"\{[:#][^}]*\}|[*_`]")


@dataclass(frozen=True)
class Chunk:
    """One passage as it is indexed. `id` is the passage's row, `written` an ISO date or ""."""

    id: int
    document: int
    kind: str  # post, note
    path: str
    line: int
    written: str
    title: str
    headings: str  # from the outermost in, joined by " › "
    permalink: str  # "" when nothing tells
    text: str
    text_hash: str


def chunks_of(workspace: Workspace, repository: Repository | None, site: Site, document: int) -> list[Chunk]:
    """The chunks of a document as the ledger has it now: none of one that is not live.

    Headings and permalink are read from the version that was taken; where that is gone (the author had it forgotten),
    a chunk does without them.
    """
    rows = workspace.ledger.read(
        """SELECT d.origin, d.path, d.version, d.title, d.written, e.created FROM documents d
           LEFT JOIN events e ON e.id = d.event WHERE d.id = ? AND d.live""",
        (document,),
    )
    if not rows:
        return []
    origin, path, version, title, written, came = rows[0]
    post = _read(workspace, repository, origin, path, version) if origin != NOTE and title else None
    permalink = "" if post is None else (site if origin == "git" else Site()).permalink(post)
    headings = _Headings(post)
    day = written[:10] or (datetime.fromtimestamp(came).date().isoformat() if origin == NOTE and came else "")
    kind = NOTE if origin == NOTE else POST
    return [
        Chunk(number, document, kind, path, line, day, title, headings.above(start), permalink, text, text_hash)
        for number, start, line, text, text_hash in workspace.ledger.read(
            """SELECT p.id, p.span_start, p.line, t.text, t.hash FROM passages p JOIN texts t ON t.hash = p.text_hash
               WHERE p.document = ? ORDER BY p.span_start""",
            (document,),
        )
    ]


def _read(workspace: Workspace, repository: Repository | None, origin: str, path: str, version: str) -> Post | None:
    """The version that was taken, or None where it cannot be read any more."""
    try:
        if origin == "git":
            return parse(repository.read_blob(version), path) if repository else None
        return parse((workspace.state / "store" / version).read_bytes(), Path(path).name)
    except (OSError, KeyError, BadInput):
        return None


class _Headings:
    """The headings of a post and where each begins."""

    def __init__(self, post: Post | None) -> None:
        self._starts: list[int] = []
        self._paths: list[str] = []
        open_ones: list[tuple[int, str]] = []
        for block in scan(post.text, post.body_start) if post else ():
            if block.kind == "heading" and post:
                level, words = _heading(post.text[block.start : block.end])
                open_ones = [*((depth, told) for depth, told in open_ones if depth < level), (level, words)]
                self._starts.append(block.start)
                self._paths.append(" › ".join(told for _, told in open_ones))

    def above(self, offset: int) -> str:
        """The headings that the character at `offset` stands under."""
        at = bisect_right(self._starts, offset) - 1
        return self._paths[at] if at >= 0 else ""


def _heading(text: str) -> tuple[int, str]:
    """Level and words of a heading with signs before it, or a line below it."""
    found = _ATX.match(text)
    if found:
        return len(found[1]), _HEADING_MARKS.sub("", found[2]).strip()
    lines = text.splitlines()
    return (1 if lines[-1].strip().startswith("=") else 2), _HEADING_MARKS.sub("", " ".join(lines[:-1])).strip()
