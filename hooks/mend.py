"""Raw tone tags rewritten as attributes that kramdown renders: the same tone on the same words, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tonewright.errors import TonewrightError
from tonewright.posts.blocks import Block, scan
from tonewright.posts.passages import split_passages, text_of
from tonewright.posts.post import Post, parse
from tonewright.tones.marks import Mark, read_marks, strip_marks
from tonewright.tones.vocabulary import Vocabulary

# An edit puts `text` in the place of the characters [start, end).
Edit = tuple[int, int, str]


@dataclass(frozen=True)
class Mended:
    """The new text, and the offsets in the old one of the tags that it no longer has."""

    text: str
    tags: tuple[int, ...]


def mend(post: Post, vocabulary: Vocabulary) -> Mended:
    """`post` with as many of its raw tags as possible rewritten; the rest of its text is as it was.

    A mark that covers a whole paragraph becomes a line of attributes below it, a part of one becomes a `<span>` with
    attributes. Marks that share a block are rewritten together, and only if our own parser then reads the same tones
    on the same words of the same passages.
    """
    blocks = scan(post.text, post.body_start, vocabulary.names)
    marks = [m for m in read_marks(post.text, vocabulary, post.path, post.body_start)[0] if m.form == "tag"]
    done: list[Edit] = []
    tags: list[int] = []
    before = _meaning(post, vocabulary)
    for group in _sharing(marks, blocks):
        for whole in (True, False):
            edits = [*done, *_edits(post.text, blocks, group, vocabulary, whole=whole)]
            if len(edits) > len(done) and _meaning_of(_apply(post.text, edits), post.path, vocabulary) == before:
                done = edits
                tags += [mark.syntax[0][0] for mark in group]
                break
    return Mended(_apply(post.text, done), tuple(sorted(tags)))


def _meaning(post: Post, vocabulary: Vocabulary) -> tuple[object, ...]:
    """What has to stay: the words of the file, and each passage with its tones and the words that they stand on."""
    passages = [
        (p.text, [(span.tone, text_of(post.text[span.start : span.end], vocabulary)) for span in p.tone_spans])
        for p in split_passages(post, vocabulary, min_words=1)
    ]
    return strip_marks(post.text, vocabulary, post.body_start).split(), passages


def _meaning_of(text: str, path: str, vocabulary: Vocabulary) -> tuple[object, ...] | None:
    try:
        return _meaning(parse(text.encode(), path), vocabulary)
    except TonewrightError:
        return None


def _sharing(marks: Iterable[Mark], blocks: list[Block]) -> Iterator[list[Mark]]:
    """The marks in groups that have no block in common."""
    group: list[Mark] = []
    reach = -1
    for mark in sorted(marks, key=lambda m: m.syntax[0][0]):
        touched = [b for b in blocks if b.start < mark.syntax[1][1] and b.end > mark.syntax[0][0]]
        if group and touched[0].start >= reach:
            yield group
            group = []
        group.append(mark)
        reach = max(reach, touched[-1].end)
    if group:
        yield group


def _edits(text: str, blocks: list[Block], group: list[Mark], vocabulary: Vocabulary, *, whole: bool) -> list[Edit]:
    """The edits for one group, none when a mark of it would get no form at all."""
    edits: list[Edit] = []
    lines: dict[Block, list[str]] = {}  # tones of a whole block, to be named in one line
    for mark in group:
        written = False
        for block in blocks:
            start, end = _trimmed(text, max(mark.start, block.start), min(mark.end, block.end))
            if start >= end or not _says_something(text[start:end], block, vocabulary):
                continue
            everything = _is_all(text, block, start, end, vocabulary)
            if everything and (block.kind == "heading" or (block.kind == "prose" and whole)):
                lines.setdefault(block, []).append(mark.tone)
            elif block.kind == "heading":
                return []  # kramdown would make the heading's id of the notation too
            elif block.kind in ("list", "quote") and not everything and "\n" in text[start:end]:
                return []  # a span cannot reach from one item to the next
            elif block.kind == "prose" or (block.kind in ("list", "quote") and not everything):
                edits += [(start, start, "<span>"), (end, end, f'</span>{{: data-tone="{mark.tone}"}}')]
            else:
                continue  # code, a table, a whole list: no passage comes from it, so no tone is lost
            written = True
        if not written:
            return []
        edits += [_removal(text, blocks, *span) for span in mark.syntax]
    edits += [_line_below(text, block, tones) for block, tones in lines.items()]
    return edits


def _is_all(text: str, block: Block, start: int, end: int, vocabulary: Vocabulary) -> bool:
    """Whether nothing but marks (and a heading's own signs) stands in the block outside of `[start, end)`."""
    rest = text[block.start : start], text[end : block.end]
    return not any(_says_something(part, block, vocabulary) for part in rest)


def _says_something(piece: str, block: Block, vocabulary: Vocabulary) -> bool:
    signs = "#=- \t\r\n" if block.kind == "heading" else " \t\r\n"
    return bool(strip_marks(piece, vocabulary).strip(signs))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())


def _line_below(text: str, block: Block, tones: list[str]) -> Edit:
    newline = "\r\n" if "\r\n" in text else "\n"
    return block.end, block.end, f'{newline}{{: data-tone="{" ".join(dict.fromkeys(tones))}"}}'


def _removal(text: str, blocks: list[Block], start: int, end: int) -> Edit:
    """Take a tag out; with its line if that has nothing else on it and keeps no paragraphs apart."""
    block = next(b for b in blocks if b.start <= start < b.end)
    if block.kind != "marker" or text[block.start : block.end] != text[start:end]:
        return start, end, ""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end) + 1 or len(text)
    above = text[:first].rstrip(" \t\r").removesuffix("\n").rstrip(" \t\r")
    below = re.match(r"[ \t\r]*(?:\n|$)", text[last:])
    open_above = above == "" or above.endswith("\n") or blocks[0] is block
    if open_above and below:  # an empty line on both sides: one of them goes too
        return first, last + below.end(), ""
    return (first, last, "") if open_above or below else (start, end, "")


def _apply(text: str, edits: list[Edit]) -> str:
    """`text` with all edits made. Insertions at one place stand in the order in which they were asked for."""
    pieces, at = [], 0
    for start, end, new in sorted(edits, key=lambda e: (e[0], e[1])):
        pieces += [text[at:start], new]
        at = max(at, end)
    return "".join(pieces) + text[at:]
