"""Tones written by hand into a text: found with their spans, checked, and taken out again.

Two notations are read. A pair of tags named like a tone, around words or on lines of their own, marks what
stands between them: `<snark>of course</snark>`. kramdown's attribute marks the span before it, `*of course*{:
data-tone="snark"}`, or, on a line of its own, the block that it touches. A `<span>` without attributes of its own
that carries nothing but a tone belongs to the notation. Code, mathematics and comments hold no marks, only
examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from tonewright.errors import BadInput
from tonewright.posts.blocks import Block, scan
from tonewright.posts.html import ELEMENTS
from tonewright.posts.inline import opaque_spans
from tonewright.tones.vocabulary import Vocabulary

Form = Literal["tag", "span attribute", "block attribute"]
Span = tuple[int, int]

_ATTRIBUTES = re.compile(r"\{:(?![:/])[^{}\n]*\}")
_DATA_TONE = re.compile(r"""[ \t]*\bdata-tone\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"'{}]+))""")
_PAIR_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)(?:\s[^<>]*)?>")
# What kramdown hangs an attribute on: emphasis, a code span, a link or image, an element; it ends where we
# stand.
_CARRIER = ("<span>", "</span>")
_ATTRIBUTED = re.compile(
    r"""(?:(\*{1,3}|_{1,3})(?=\S)(?:(?!\1).)+(?<=\S)\1|(`+)(?!`).+?(?<!`)\2
    |!?\[[^\[\]]*\](?:\([^()]*\)|\[[^\[\]]*\])?|<(\w+)[^<>]*>(?:(?!<\3\b).)*</\3>)$""",
    re.DOTALL | re.VERBOSE,
)

# How alike (difflib's ratio) an unknown pair of tags must be to a tone to be taken for a slip of the fingers:
# snrk, snark's and sincerly are; shard and main are not.
_SLIP = 0.75


@dataclass(frozen=True)
class Mark:
    """`tone` holds for the characters `[start, end)`; `syntax` is where its notation stands, in order."""

    tone: str
    start: int
    end: int
    form: Form
    syntax: tuple[Span, ...]


def find_marks(text: str, vocabulary: Vocabulary, path: str, start: int = 0) -> list[Mark]:
    """Every mark in `text` from the offset `start` (where the body begins), in the order of their spans.

    Tags may nest. Raises `BadInput` naming `path:line` for a tag that is never closed, never opened or that
    crosses another, for an attribute with an unknown tone or with nothing to mark, and for a pair of unknown
    tags whose name is nearly a tone. Any other element is HTML and none of our business.
    """
    marks, faults = read_marks(text, vocabulary, path, start)
    if faults:
        raise faults[0]
    return marks


def read_marks(text: str, vocabulary: Vocabulary, path: str, start: int = 0) -> tuple[list[Mark], list[BadInput]]:
    """The marks that can be used, as `find_marks` gives them, and every fault of the others."""
    blocks = scan(text, start, vocabulary.names)
    opaque = opaque_spans(text, blocks)
    where = _Where(text, path)
    found = [*_tagged(text, vocabulary, start, opaque, where)]
    for part in _parts(_ATTRIBUTES, text, start, opaque):
        found += _attributed(text, vocabulary, part, blocks, where)
    found += _slips(text, vocabulary, start, opaque, where)
    marks = [mark for mark in found if isinstance(mark, Mark)]
    faults = [fault for fault in found if isinstance(fault, BadInput)]
    return sorted(marks, key=lambda mark: (mark.start, -mark.end)), faults


def strip_marks(text: str, vocabulary: Vocabulary, start: int = 0) -> str:
    """`text` without the notation of its marks, every other character (line ends included) left as it is.

    It asks for no balance, so that an excerpt in which a mark only begins can be stripped as well.
    """
    if "<" not in text and "{:" not in text:
        return text  # as most passages are
    blocks = scan(text, start, vocabulary.names)
    opaque = opaque_spans(text, blocks)
    gone = [m.span() for m in _parts(_tag_pattern(vocabulary), text, start, opaque)]
    for part in _parts(_ATTRIBUTES, text, start, opaque):
        gone += _notation(text, part, _block_at(blocks, part.start()).start)
    kept, at = [], 0
    for begin, end in sorted(gone):
        kept.append(text[at:begin])
        at = max(at, end)
    return "".join(kept) + text[at:]


class _Where:
    """`path:line` of an offset, for messages."""

    def __init__(self, text: str, path: str) -> None:
        self.text, self.path = text, path

    def __call__(self, offset: int) -> str:
        return f"{self.path}:{self.text.count(chr(10), 0, offset) + 1}"


def _parts(pattern: re.Pattern[str], text: str, start: int, opaque: Sequence[Span]) -> Iterator[re.Match[str]]:
    """Matches outside of `opaque`; backslash before one makes it plain text."""
    spans = iter([*opaque, (len(text), len(text) + 1)])
    span = next(spans)
    for found in pattern.finditer(text, start):
        while span[1] <= found.start():
            span = next(spans)
        inside = span[0] <= found.start() < span[1]
        if not inside and not text.endswith("\\", 0, found.start()):
            yield found


@cache
def _tag_pattern(vocabulary: Vocabulary) -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, vocabulary.names), key=len, reverse=True))
    return re.compile(rf"<(/?)({names})(?:\s[^<>]*)?/?>", re.IGNORECASE)


def _tagged(
    text: str, vocabulary: Vocabulary, start: int, opaque: Sequence[Span], where: _Where
) -> Iterator[Mark | BadInput]:
    open_tags: list[re.Match[str]] = []
    for tag in _parts(_tag_pattern(vocabulary), text, start, opaque):
        tone = tag[2].lower()
        if not tag[1]:
            open_tags.append(tag)
            continue
        index = next((i for i in reversed(range(len(open_tags))) if open_tags[i][2].lower() == tone), None)
        if index is None:
            yield BadInput(f"{where(tag.start())}: </{tone}> closes nothing", f"write <{tone}> before, or delete it")
            continue
        inner = open_tags[-1]
        opening = open_tags.pop(index)  # what it crosses stays open, so that its own end is no second fault
        if opening is not inner:
            other = inner[2].lower()
            yield BadInput(
                f"{where(tag.start())}: </{tone}> crosses <{other}> of {where(inner.start())}",
                f"close {other} first",
            )
            continue
        yield Mark(tone, opening.end(), tag.start(), "tag", (opening.span(), tag.span()))
    for tag in open_tags:
        name = tag[2].lower()
        yield BadInput(f"{where(tag.start())}: <{name}> is never closed", f"write </{name}> where the tone ends")


def _attributed(
    text: str, vocabulary: Vocabulary, part: re.Match[str], blocks: Sequence[Block], where: _Where
) -> Iterator[Mark | BadInput]:
    """The marks of one attribute list: as many as the tones that it names."""
    value = _DATA_TONE.search(part[0])
    if value is None:
        return
    index = blocks.index(_block_at(blocks, part.start()))
    alone = blocks[index].kind == "attributes"
    form: Form = "block attribute" if alone else "span attribute"
    span = _touched(blocks, index) if alone else _span_before(text, blocks[index].start, part.start())
    names = [name for name in re.split(r"[\s,]+", value[1] or value[2] or value[3] or "") if name]
    if not names or span is None:
        yield BadInput(
            f"{where(part.start())}: this data-tone marks nothing",
            'put it directly below a paragraph, or after *words*{: data-tone="dry"}',
        )
        return
    syntax = tuple(_notation(text, part, blocks[index].start))
    if len(syntax) == 2:  # the span is only there to carry the tone
        span = syntax[0][1], syntax[1][0]
    for name in names:
        try:
            yield Mark(vocabulary.check(name, where(part.start())), *span, form, syntax)
        except BadInput as e:
            yield e


def _block_at(blocks: Sequence[Block], offset: int) -> Block:
    return next(b for b in blocks if b.start <= offset < b.end)


def _notation(text: str, part: re.Match[str], block_start: int) -> list[Span]:
    """What of an attribute list is ours: all of it, with a bare `<span>` that it hangs on, or `data-tone` alone
    when it says something else too."""
    value = _DATA_TONE.search(part[0])
    if value is None:
        return []
    rest = part[0][: value.start()] + part[0][value.end() :]
    if rest[2:-1].strip():
        return [(part.start() + value.start(), part.start() + value.end())]
    opening, closing = _CARRIER
    span = _span_before(text, block_start, part.start())
    if span and text.startswith(opening, span[0]) and text.endswith(closing, *span):
        return [(span[0], span[0] + len(opening)), (span[1] - len(closing), part.end())]
    return [part.span()]


def _touched(blocks: Sequence[Block], index: int) -> Span | None:
    """The block directly above the attributes at `index`, else the one directly below, as kramdown has it."""
    for step in (-1, 1):
        i = index
        while 0 <= i + step < len(blocks):
            near, far = sorted((blocks[i], blocks[i + step]), key=lambda b: b.first)
            if far.first - near.last != 1:
                break
            i += step
            if blocks[i].kind not in ("attributes", "marker"):
                return blocks[i].start, blocks[i].end
    return None


def _span_before(text: str, start: int, end: int) -> Span | None:
    """The shortest piece of inline Markdown that ends at `end` and takes an attribute list."""
    for begin in range(end - 1, start - 1, -1):
        if text[begin] in "*_`[!<" and (found := _ATTRIBUTED.match(text, begin, end)):
            return found.span()
    return None


def _slips(text: str, vocabulary: Vocabulary, start: int, opaque: Sequence[Span], where: _Where) -> Iterator[BadInput]:
    """Pairs of unknown tags whose name is nearly a tone."""
    opened: dict[str, int] = {}
    for tag in _parts(_PAIR_NAME, text, start, opaque):
        name = tag[2].lower()
        if name in ELEMENTS or name in vocabulary.names:
            continue
        if not tag[1]:
            opened.setdefault(name, tag.start())
        elif name in opened and (nearest := vocabulary.nearest(name, _SLIP)):
            yield BadInput(
                f"{where(opened.pop(name))}: <{name}> is no tone",
                f"did you mean <{nearest}>? (known: {', '.join(vocabulary.names)})",
            )
