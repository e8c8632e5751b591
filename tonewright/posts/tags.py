"""Tags that come in pairs (Liquid, shortcodes, HTML): each closing tag found once, however often it is asked for.

The text is read once for each notation. To look for the end of every tag anew would take a page of a thousand tags
that are never closed a thousand readings.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tonewright.posts.html import CONTAINERS, VERBATIM


class _Notation(NamedTuple):
    """How a tag begins (group 1 is its word), how it ends, and what a closing tag's word has before the name."""

    opening: re.Pattern[str]
    end: str
    closing: str


LIQUID, SHORTCODE, HTML = "liquid", "shortcode", "html"
_PAIRED = "|".join(sorted(CONTAINERS | VERBATIM))
_NOTATIONS = {
    LIQUID: _Notation(re.compile(r"\{%-?\s*(\w+)"), "%}", "end"),
    SHORTCODE: _Notation(re.compile(r"\{\{[<%]\s*(/?\s*[\w./-]+)"), "}}", "/"),
    HTML: _Notation(re.compile(rf"<(/?(?:{_PAIRED}))(?=[\s>])", re.IGNORECASE), ">", "/"),
}
_ANY = "end"  # Zola closes every shortcode with `{% end %}`


class Tags:
    """The tags of one text, and what is found or not found in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._absent: dict[str, int] = {}  # from which offset on a string is known not to come
        self._words: dict[str, dict[str, list[tuple[int, int]]]] = {}
        self._ends: dict[tuple[str, str], dict[int, int]] = {}

    def find(self, wanted: str, at: int) -> int:
        """Like `text.find(wanted, at)`, and quick where it was not found before."""
        if at >= self._absent.get(wanted, len(self._text) + 1):
            return -1
        found = self._text.find(wanted, at)
        if found < 0:
            self._absent[wanted] = at
        return found

    def past_pair(self, notation: str, name: str, at: int) -> int:
        """The offset after the tag that closes the tag `name` at `at`; `at` itself when none does."""
        name = name.lower()
        key = (notation, name)
        if key not in self._ends:
            self._ends[key] = self._pair(notation, name)
        return self._ends[key].get(at, at)

    def _pair(self, notation: str, name: str) -> dict[int, int]:
        """{offset of an opening tag: offset after its closing tag}."""
        words = self._tags(notation)
        closing = [f"{_NOTATIONS[notation].closing}{name}"] + [_ANY] * (notation == LIQUID)
        tags = [(*tag, True) for tag in words.get(name, ())]
        tags += [(*tag, False) for word in closing for tag in words.get(word, ())]
        ends: dict[int, int] = {}
        open_tags: list[int] = []
        for start, end, opens in sorted(tags):
            if opens:
                open_tags.append(start)
            elif open_tags:
                ends[open_tags.pop()] = end
        return ends

    def _tags(self, notation: str) -> dict[str, list[tuple[int, int]]]:
        """{word: (start, end) of each tag}."""
        if notation not in self._words:
            opening, end, _ = _NOTATIONS[notation]
            words: dict[str, list[tuple[int, int]]] = {}
            at = 0
            while (tag := opening.search(self._text, at)) is not None:
                close = self.find(end, tag.end())
                if close < 0:
                    break
                at = close + len(end)
                words.setdefault("".join(tag[1].lower().split()), []).append((tag.start(), at))
            self._words[notation] = words
        return self._words[notation]
