"""Find the words of a tag again in a post that has been edited since."""

from __future__ import annotations

import difflib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tonewright.tones.handbook import Decision, decision, digest_of

CONTEXT = 12  # words that are kept from before and after
ALIKE = 0.9  # share of common words, with the context, from which edited words are still the same
LEAST = 0.5  # ... and without it: where the words themselves went, their neighbours do not stand in for them
EXACT, EDITED = "exact", "edited"


@dataclass(frozen=True)
class Anchor:
    """Words `[start, end)` of passage number `passage`; `how` tells whether they still read the same."""

    passage: int
    start: int
    end: int
    how: str
    whole: bool


@dataclass(frozen=True)
class Words:
    """The words of a post's passages in a row, each passage a text with single blanks or none between its words."""

    passages: tuple[str, ...]

    @cached_property
    def all(self) -> list[str]:
        """Every word, passage by passage."""
        return [word for text in self.passages for word in text.split()]

    @cached_property
    def begins(self) -> list[int]:
        """The number of the first word of each passage, and the number of words at the end."""
        begins = [0]
        for text in self.passages:
            begins.append(begins[-1] + len(text.split()))
        return begins

    @cached_property
    def joined(self) -> str:
        """All words with single blanks between and around them."""
        return f" {' '.join(self.all)} "

    def quote(self, path: str, tone: str, passage: int, span: tuple[int, int] | None, *, public: bool) -> Decision:
        """The decision that gives `tone` to a passage, or to words `span` of it. `public`: the words may be written."""
        first, stop = self.begins[passage], self.begins[passage + 1]
        start, end = (first, stop) if span is None else (first + span[0], first + span[1])
        words = self.all[start:end]
        return decision(
            path,
            tone=tone,
            quote=" ".join(words) if public else "",
            digest="" if public else digest_of(words),
            words=len(words),
            before=" ".join(self.all[max(0, start - CONTEXT) : start]) if public else "",
            after=" ".join(self.all[end : end + CONTEXT]) if public else "",
            position=start,
            whole=(start, end) == (first, stop),
        )

    def passage_of(self, word: int) -> int:
        """The passage that holds a word of the post."""
        return bisect_right(self.begins, word) - 1

    def anchor(self, start: int, end: int, how: str) -> Anchor:
        """Words `[start, end)` of the post, cut to the passage that holds most of them."""
        passages = range(self.passage_of(start), self.passage_of(end - 1) + 1)
        passage = max(passages, key=lambda p: self._held(p, start, end))
        first, stop = self.begins[passage], self.begins[passage + 1]
        start, end = max(start, first), min(end, stop)
        return Anchor(passage, start - first, end - first, how, (start, end) == (first, stop))

    def _held(self, passage: int, start: int, end: int) -> int:
        return min(end, self.begins[passage + 1]) - max(start, self.begins[passage])


def find(what: Decision, post: Words) -> Anchor | None:
    """Where the words are now: the same words wherever they stand, else the same words edited; None when they are gone.

    Of several equal places, the one whose neighbours are most like those of before wins, then the nearest.
    """
    places = list(_same(what, post))
    if places:
        return post.anchor(*min(places, key=lambda p: (-_company(what, post, *p), abs(p[0] - what.position))), EXACT)
    if not what.quote or not post.all:
        return None
    window = _edited(what, post.all)
    if window is None:
        return None
    found = post.anchor(*window, EDITED)
    if what.whole and not found.whole:  # the tag was about the paragraph, and still is
        words = len(post.passages[found.passage].split())
        if _ratio(what.quote.split(), post.passages[found.passage].split()) >= LEAST:
            return Anchor(found.passage, 0, words, EDITED, True)
    return found


def _same(what: Decision, post: Words) -> Iterator[tuple[int, int]]:
    """Every place within one passage that holds the very words."""
    if what.quote and f" {what.quote} " not in post.joined:
        return
    wanted = what.quote.split()
    size = len(wanted) or what.words
    for first, stop in zip(post.begins, post.begins[1:]):
        for start in range(first, stop - size + 1):
            words = post.all[start : start + size]
            if words == wanted if wanted else digest_of(words) == what.digest:
                yield start, start + size


def _company(what: Decision, post: Words, start: int, end: int) -> int:
    """How many neighbours on either side are the same as when the tag was written."""
    before = zip(reversed(what.before.split()), reversed(post.all[max(0, start - CONTEXT) : start]))
    after = zip(what.after.split(), post.all[end : end + CONTEXT])
    return _run(before) + _run(after)


def _run(pairs: Iterator[tuple[str, str]] | zip[tuple[str, str]]) -> int:
    number = 0
    for one, other in pairs:
        if one != other:
            break
        number += 1
    return number


def _edited(what: Decision, words: list[str]) -> tuple[int, int] | None:
    """The stretch of `words` that was made from the quote: in its old company, else wherever it is most alike."""
    quote = what.quote.split()
    for before, after in ((what.before.split(), what.after.split()), ([], [])):
        if found := _aligned(before, quote, after, words):
            return found
    return None


def _aligned(before: list[str], quote: list[str], after: list[str], words: list[str]) -> tuple[int, int] | None:
    """The words that stand where the quote stood, once it and its context lie along `words`, if they are alike."""
    needle = before + quote + after
    longest = difflib.SequenceMatcher(None, needle, words, autojunk=False).find_longest_match()
    slack = len(needle) // 10 + 2
    low = max(0, longest.b - longest.a - slack)
    window = words[low : longest.b - longest.a + len(needle) + slack]
    codes = difflib.SequenceMatcher(None, needle, window, autojunk=False).get_opcodes()
    start, last = _at(codes, len(before)), _at(codes, len(before) + len(quote) - 1)
    if start is None or last is None or last < start:
        return None
    end = last + 1
    own = _ratio(quote, window[start:end])
    around = _ratio(needle, window[max(0, start - len(before)) : end + len(after)])
    return (low + start, low + end) if max(own, around) >= ALIKE and own >= LEAST else None


def _at(codes: Sequence[tuple[str, int, int, int, int]], word: int) -> int | None:
    """The word of the window that stands where `word` of the needle stood."""
    for _, i1, i2, j1, j2 in codes:
        if i1 <= word < i2:
            return min(j1 + word - i1, j2 - 1) if j2 > j1 else None
    return None


def _ratio(one: Sequence[str], other: Sequence[str]) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
