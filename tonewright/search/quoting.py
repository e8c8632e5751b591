"""The part of a passage that is shown for a search, with the words that were found."""

from __future__ import annotations

import re
from collections.abc import Set

from tonewright.search.index import Index

_TOKEN = re.compile(r"[^\W_]+")
_SHOWN_WORDS = 28


def spans(index: Index, stems: Set[str], text: str) -> list[tuple[int, int]]:
    """Where in `text` there is a word with one of `stems`."""
    tokens = list(_TOKEN.finditer(text))
    found = index.stems([token[0].lower() for token in tokens])
    return [token.span() for token, stem in zip(tokens, found) if stem in stems]


def snippet(index: Index, stems: Set[str], text: str, before: str = "", after: str = "") -> str:
    """The stretch of about 28 words of `text` that holds the most of `stems`, each put between two strings."""
    starts = [match.start() for match in re.finditer(r"\S+", text)]
    hits = spans(index, stems, text)
    begin, best = 0, -1
    for n in range(max(1, len(starts) - _SHOWN_WORDS + 1)):
        until = starts[n + _SHOWN_WORDS] if n + _SHOWN_WORDS < len(starts) else len(text)
        inside = len({text[a:b].lower() for a, b in hits if starts[n] <= a < until}) if starts else 0
        if inside > best:
            begin, best = n, inside
    begin = max(0, begin - 3) if begin + _SHOWN_WORDS < len(starts) else begin
    start = starts[begin] if starts else 0
    end = starts[begin + _SHOWN_WORDS] if begin + _SHOWN_WORDS < len(starts) else len(text)
    shown, at = "…" if start else "", start
    for a, b in hits:
        if start <= a and b <= end:
            shown += text[at:a] + before + text[a:b] + after
            at = b
    return shown + text[at:end].rstrip() + ("…" if end < len(text) else "")
