"""Which lines of a Markdown text are prose, and which are code, quotes, lists, tables and the like.

A scanner of lines, not a Markdown parser: it follows CommonMark where kramdown, Goldmark and pulldown-cmark
(Jekyll, Hugo, Zola) agree with it, and where they differ it takes the reading under which less text counts as
prose. It never fails; text that it does not understand is prose.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from functools import cache, cached_property
from typing import Literal, NamedTuple

from tonewright.posts.html import CONTAINERS, LEAVES, VERBATIM
from tonewright.posts.tags import HTML, LIQUID, SHORTCODE, Tags

Kind = Literal[
    "prose", "code", "math", "liquid", "html", "heading", "rule", "quote", "list", "table", "reference",
    "attributes", "marker",
]  # fmt: skip

_FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})")
_QUOTE = re.compile(r" {0,3}>")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)\s*$")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}\s*$")
_BULLET = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)]|:)(?:\s|$)")
_INTERRUPTING_BULLET = re.compile(r" {0,3}(?:[-*+]|1[.)]|:)\s+\S")
_TABLE_RULE = re.compile(r"(?=.*\|)\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$")
_REFERENCE = re.compile(r" {0,3}(?:\[[^\]]+\]:|\*\[[^\]]+\]:)")
_ATTRIBUTES = re.compile(r" {0,3}\{:.*\}\s*$")
_TAG = re.compile(r" {0,3}<(?:(!--|[?!])|(/?)([A-Za-z][A-Za-z0-9-]*)(?=[\s/>]|$))")
_LONE_TAG = re.compile(r"""\s*</?[A-Za-z][A-Za-z0-9-]*(?:\s(?:[^<>"']|"[^"]*"|'[^']*')*)?/?>\s*$""")
_TEMPLATE = re.compile(r"\{%-?\s*(?P<liquid>\w+)|\{\{[<%]\s*(?P<hugo>[\w./-]+)|\{\{")
_PAIRED = VERBATIM | CONTAINERS
_TEMPLATE_ENDS = {"{%": "%}", "{{": "}}"}
_MATH = ((r"$$", r"$$"), (r"\[", r"\]"), (r"\begin{", r"\end{"))


class Block(NamedTuple):
    """Some whole lines of one kind; `start` and `end` are character offsets without the outer white space."""

    kind: Kind
    start: int
    end: int
    first: int  # line, from 0, counted from where the scan began
    last: int


def scan(text: str, start: int = 0, markers: Collection[str] = ()) -> list[Block]:
    """The blocks of `text` from the offset `start`, in order; between them are only blank lines.

    `markers` are element names that are no HTML: they may stand in prose, and a line of nothing but such tags
    is a block of the kind "marker". Fences within quotes and lists come out as blocks of code.
    """
    return list(_Scanner(text, start, markers).blocks())


@cache
def _marker_line(markers: frozenset[str]) -> re.Pattern[str]:
    names = "|".join(map(re.escape, sorted(markers))) or "(?!)"
    return re.compile(rf"\s*(?:</?(?:{names})(?:\s[^<>]*)?>\s*)+$", re.IGNORECASE)


class _Scanner:
    """Each rule takes a line number and returns the one after the block that begins there, or the same."""

    def __init__(self, text: str, start: int, markers: Collection[str]) -> None:
        self.text = text
        self.tags = Tags(text)
        self.lines = [line.rstrip("\r") for line in text[start:].split("\n")]
        self.starts = [start]
        for line in text[start:].split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.markers = frozenset(markers)
        self.marker_line = _marker_line(self.markers)

    def blocks(self) -> Iterator[Block]:
        """Rule after rule at each line; a paragraph is what no rule wants."""
        i = 0
        while i < len(self.lines):
            if not self.lines[i].strip():
                i += 1
                continue
            kind, end = self.block_at(i)
            if kind in ("quote", "list"):
                yield from self.with_fences(kind, i, end)
            else:
                yield self.block(kind, i, end)
            i = end

    def block_at(self, i: int) -> tuple[Kind, int]:
        """Kind of the block that begins at line `i`, and the line after it."""
        if re.match(r" {4}| {0,3}\t", self.lines[i]):
            return "code", self.while_indented(i)
        if _REFERENCE.match(self.lines[i]):
            return "reference", self.reference(i)
        kind, end = self.interrupting(i)
        if end > i:
            return kind, end
        if _BULLET.match(self.lines[i]):
            return "list", self.list(i)
        lone = self.until_blank(i) if self.is_lone_tag(i) else i
        return ("html", lone) if lone > i else self.paragraph(i)

    def interrupting(self, i: int) -> tuple[Kind, int]:
        """The blocks that need no blank line before them."""
        line = self.lines[i]
        if self.marker_line.match(line):
            return "marker", i + 1
        if _ATTRIBUTES.match(line):
            return self.attributes(i)
        if re.match(r" {0,3}[`~]", line) and _FENCE.match(line.lstrip()):
            return "code", self.fence(i, len(self.lines))
        if _HEADING.match(line):
            return "heading", i + 1
        if _RULE.match(line):
            return "rule", i + 1
        if _QUOTE.match(line):
            return "quote", self.until_blank(i)
        if _INTERRUPTING_BULLET.match(line):
            return "list", self.list(i)
        if line.lstrip().startswith("|") or (i + 1 < len(self.lines) and self.is_table(i)):
            return "table", self.until_blank(i)
        for rule in (self.math, self.template, self.html):
            kind, end = rule(i)
            if end > i:
                return kind, end
        return "prose", i

    def paragraph(self, i: int) -> tuple[Kind, int]:
        """To the first blank line or block that interrupts; an underline below makes it a heading."""
        for j in range(i + 1, len(self.lines)):
            if _UNDERLINE.match(self.lines[j]):
                return "heading", j + 1
            if not self.lines[j].strip() or self.interrupting(j)[1] > j:
                return "prose", j
        return "prose", len(self.lines)

    def attributes(self, i: int) -> tuple[Kind, int]:
        """kramdown's `{: .class}`; `{::comment}` and `{::nomarkdown}` hide everything up to `{:/`."""
        if re.match(r" {0,3}\{::(comment|nomarkdown)[^}/]*\}", self.lines[i]):
            after = bisect_right(self.unhidden, i)
            if after < len(self.unhidden):
                return "code", self.unhidden[after] + 1
        return "attributes", i + 1

    @cached_property
    def unhidden(self) -> list[int]:
        """Lines that end kramdown's comments."""
        return [j for j, line in enumerate(self.lines) if line.lstrip().startswith("{:/")]

    def fence(self, i: int, limit: int) -> int:
        """Past the closing fence, or `limit` when there is none; quote signs and bullets are seen through."""
        opening = _FENCE.search(self.lines[i])
        assert opening is not None
        closing = re.compile(rf"[\s>]*{re.escape(opening[1][0])}{{{len(opening[1])},}}\s*$")
        return next((j + 1 for j in range(i + 1, limit) if closing.match(self.lines[j])), limit)

    def list(self, i: int) -> int:
        """Items with their indented paragraphs and fences, to the first block that is not theirs."""
        j = i
        while j < len(self.lines):
            line = self.lines[j]
            indented = line.startswith(("  ", "\t"))
            if not line.strip():
                after = next((k for k in range(j, len(self.lines)) if self.lines[k].strip()), len(self.lines))
                if after == len(self.lines) or not (
                    self.lines[after].startswith(("  ", "\t")) or _BULLET.match(self.lines[after])
                ):
                    return j
                j = after
            elif self.is_nested_fence(line) and (indented or _BULLET.match(line)):
                j = self.fence(j, len(self.lines))
            elif j > i and not indented and not _BULLET.match(line) and self.interrupting(j)[1] > j:
                return j
            else:
                j += 1
        return j

    def math(self, i: int) -> tuple[Kind, int]:
        r"""`$$ ... $$`, `\[ ... \]` and `\begin{...} ... \end{...}` that have their lines to themselves."""
        line = self.lines[i].strip()
        for opening, closing in _MATH:
            if not line.startswith(opening):
                continue
            at = self.starts[i] + len(self.lines[i]) - len(self.lines[i].lstrip()) + len(opening)
            close = self.tags.find(closing, at)
            if close >= 0:
                last = self.line_at(close)
                alone = last > i or closing == r"\end{" or line[len(opening) :].endswith(closing)
                return ("math", last + 1) if alone else ("prose", i)
        return "prose", i

    def template(self, i: int) -> tuple[Kind, int]:
        """Liquid tags and shortcodes that begin a line, with all that a pair of them encloses."""
        at = self.starts[i] + len(self.lines[i]) - len(self.lines[i].lstrip())
        opening = _TEMPLATE.match(self.text, at)
        if opening is None:
            return "prose", i
        end = at
        if opening["liquid"]:
            end = self.tags.past_pair(LIQUID, opening["liquid"], at)
        elif opening["hugo"]:
            end = self.tags.past_pair(SHORTCODE, opening["hugo"], at)
        last = self.line_at(max(at, end - 1))
        if end > at and (last > i or not self.text[end : self.starts[last + 1]].strip()):
            opaque = opening["liquid"] in ("raw", "highlight", "comment") or opening["hugo"] == "highlight"
            return ("code" if opaque else "liquid"), last + 1
        last = i  # tags without an end: a block if they fill their lines
        while (past := self.past_template(at)) > at:
            last = self.line_at(past - 1)
            at = past
            while at < len(self.text) and self.text[at] in " \t\r":
                at += 1
            if at >= len(self.text) or self.text[at] == "\n":
                return "liquid", last + 1
        return "prose", i

    def past_template(self, at: int) -> int:
        """Offset after the single tag or value that begins at `at`; else `at`."""
        closing = _TEMPLATE_ENDS.get(self.text[at : at + 2])
        found = self.tags.find(closing, at + 2) if closing else -1
        return at if closing is None or found < 0 else found + len(closing)

    def html(self, i: int) -> tuple[Kind, int]:
        """Comments, and elements that are blocks; the content of containers goes with them."""
        tag = _TAG.match(self.lines[i])
        if tag is None or (tag[3] and tag[3].lower() in self.markers):
            return "prose", i
        if tag[1]:
            close = self.tags.find("-->" if tag[1] == "!--" else ">", self.starts[i] + tag.end())
            return ("code", self.line_at(close) + 1) if close >= 0 else ("prose", i)
        name = tag[3].lower()
        if name in _PAIRED and not tag[2]:
            at = self.starts[i] + tag.start(3) - 1
            end = self.tags.past_pair(HTML, name, at)
            if end > at:
                return ("code" if name in VERBATIM else "html"), self.line_at(end - 1) + 1
        return ("html", self.until_blank(i)) if name in _PAIRED or name in LEAVES else ("prose", i)

    def reference(self, i: int) -> int:
        """A link's address or an abbreviation is a line; a footnote goes on with its indented paragraphs."""
        return self.while_indented(self.until_blank(i)) if self.lines[i].lstrip().startswith("[^") else i + 1

    def until_blank(self, i: int) -> int:
        """The first blank line from `i` on."""
        return next((j for j in range(i, len(self.lines)) if not self.lines[j].strip()), len(self.lines))

    def while_indented(self, i: int) -> int:
        """Past the indented lines from `i` on; blank lines between them belong to them."""
        end = i
        for j in range(i, len(self.lines)):
            if re.match(r" {4}| {0,3}\t", self.lines[j]) and self.lines[j].strip():
                end = j + 1
            elif self.lines[j].strip():
                break
        return end

    def with_fences(self, kind: Kind, i: int, end: int) -> Iterator[Block]:
        """The lines of a quote or a list, with the fences in them as blocks of their own."""
        begin = i
        while i < end:
            if self.is_nested_fence(self.lines[i]):
                if begin < i:
                    yield self.block(kind, begin, i)
                begin = self.fence(i, end)
                yield self.block("code", i, begin)
                i = begin
            else:
                i += 1
        if begin < end:
            yield self.block(kind, begin, end)

    def is_nested_fence(self, line: str) -> bool:
        """Whether a fence opens here once quote signs and bullets are taken off."""
        return _FENCE.match(re.sub(r"^(?:[\s>]|[-*+]\s|\d+[.)]\s)*", "", line)) is not None

    def is_table(self, i: int) -> bool:
        """Whether line `i` is the head of a table."""
        return "|" in self.lines[i] and _TABLE_RULE.match(self.lines[i + 1].strip()) is not None

    def is_lone_tag(self, i: int) -> bool:
        """Whether the line is one tag of an element that we do not know as a tone."""
        tag = _TAG.match(self.lines[i])
        return bool(tag and tag[3] and tag[3].lower() not in self.markers and _LONE_TAG.match(self.lines[i]))

    def line_at(self, offset: int) -> int:
        """The line that holds the character at `offset`."""
        return bisect_right(self.starts, offset) - 1

    def block(self, kind: Kind, i: int, end: int) -> Block:
        """Lines `i` to `end`, exclusive, without outer white space and trailing blank lines."""
        while end > i + 1 and not self.lines[end - 1].strip():
            end -= 1
        start = self.starts[i] + len(self.lines[i]) - len(self.lines[i].lstrip())
        return Block(kind, start, self.starts[end - 1] + len(self.lines[end - 1].rstrip()), i, end - 1)
