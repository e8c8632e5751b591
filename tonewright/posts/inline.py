"""What stands inside a paragraph and is no prose: code, targets of links, footnotes, mathematics, HTML, templates.

Like the scanner of blocks it is no parser. Where Markdown's dialects differ, it takes the reading under which more is
left alone: `$x$` is mathematics, `:smile:` is a picture, and `[^1]` is a footnote whether or not it has a text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable
from typing import NamedTuple

from tonewright.posts.blocks import Block

OPAQUE = frozenset({"code", "math"})  # in these nothing is markup: what looks like a mark is an example of one

_TICKS = re.compile(r"`+")
_TICKS_OR_COMMENT = re.compile(r"(?<![\\`])(`+)|<!--")
_BLANK = re.compile(r"\n[ \t]*(?=\n)")

# In the order in which they win where two begin at the same place; none of them runs past a blank line.
_LOCKED = re.compile(
    r"""(?P<template>\{\{.*?\}\}|\{%.*?%\})
    | (?P<attributes>\{:[^{}\n]*\})
    | (?P<footnote>\[\^[^\[\]\s]+\](?!\())
    | (?P<image>!\[(?:[^\[\]\\]|\\.|\[[^\[\]]*\])*\](?:\((?:[^()\\]|\\.|\([^()]*\))*\)|\[[^\[\]]*\])?)
    | (?P<target>(?<=\])(?:\((?:[^()\\]|\\.|\([^()]*\))*\)|\[[^\[\]^][^\[\]]*\]|\[\]))
    | (?P<label>(?<!\\)\[[^\[\]^][^\[\]]*\](?![\[(]))
    | (?P<escape>\\[!-/:-@\[-`{-~])
    | (?P<address><(?:[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[^\s<>@]+@[^\s<>@]+)>)
    | (?P<html></?[A-Za-z][A-Za-z0-9-]*(?:\s(?:[^<>"']|"[^"<>]*"|'[^'<>]*')*)?/?>|<[!?][^<>]*>)
    | (?P<url>(?:https?://|www\.|mailto:)[^\s<>"')\]]*[^\s<>"')\].,;:!?*_])
    | (?P<mathematics>\$\$[^$]+\$\$|(?<![\w$\\])\$(?=[^\s$])[^$\n]*?(?<=[^\s$\\])\$(?![\w$])|\\\(.*?\\\))
    | (?P<entity>&(?:[A-Za-z][A-Za-z0-9]{1,31}|\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6});)
    | (?P<emoji>(?<![\w:]):[a-z][a-z0-9_+-]*:(?![\w:]))
    """,
    re.VERBOSE | re.DOTALL,
)


class Locked(NamedTuple):
    """Characters `[start:end)` that must come back byte for byte, and what they are."""

    kind: str
    start: int
    end: int


def locked_spans(text: str, labels: Collection[str] = ()) -> list[Locked]:
    """The locked spans of a paragraph, in order, never overlapping.

    Of a link only the target is locked, and its text is prose; `labels` are those of the file's link references (lower
    case), so that `[label]` on its own is known as a link.
    """
    codes = code_spans(text, 0, len(text))
    found: list[Locked] = []
    at = 0
    for start, end in [*codes, (len(text), len(text))]:
        found += _between(text, at, start, labels)
        if start < end:
            found.append(Locked("comment" if text.startswith("<!--", start) else "code", start, end))
        at = end
    return found


def _between(text: str, start: int, end: int, labels: Collection[str]) -> list[Locked]:
    found = []
    while (m := _LOCKED.search(text, start, end)) is not None:
        kind = str(m.lastgroup)
        start = m.end()
        if kind == "label":
            if m[0][1:-1].strip().lower() not in labels:
                start = m.start() + 1  # words in brackets, in which anything may stand
                continue
            kind = "link"
        found.append(Locked("link" if kind == "target" else kind, m.start(), m.end()))
    return found


def opaque_spans(text: str, blocks: Iterable[Block]) -> list[tuple[int, int]]:
    """Character ranges in which nothing is markup: code and math, code spans, comments; in order."""
    found = []
    for block in blocks:
        whole = block.kind in OPAQUE
        found += [(block.start, block.end)] if whole else code_spans(text, block.start, block.end)
    return found


def code_spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Code spans and HTML comments in `text[start:end]`, in order. A code span ends before the next blank line."""
    if text.find("`", start, end) < 0 and text.find("<!--", start, end) < 0:
        return []
    blanks = [m.start() for m in _BLANK.finditer(text, start, end)]
    runs: dict[int, list[int]] = {}
    for run in _TICKS.finditer(text, start, end):
        runs.setdefault(len(run[0]), []).append(run.start())
    spans, at, comments = [], start, True
    while (found := _TICKS_OR_COMMENT.search(text, at, end)) is not None:
        at = found.end()
        if found[1]:
            places = runs[len(found[1])]
            after = bisect_left(places, at)
            if after == len(places) or bisect_left(blanks, at) != bisect_left(blanks, places[after]):
                continue
            at = places[after] + len(found[1])
        elif comments and (close := text.find("-->", at, end)) >= 0:
            at = close + len("-->")
        else:
            comments = False
            continue
        spans.append((found.start(), at))
    return spans
