"""The author's own paragraphs in a post, each with its place in the file and the tones written on it.

Left out: code, quotations (other people's words), headings, lists (their items are seldom prose, and the long
ones would come without the line that introduces them), tables, HTML and template blocks, footnotes, link
addresses, mathematics, and paragraphs of nothing but links and images.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tonewright.posts.blocks import Block, scan
from tonewright.posts.inline import code_spans
from tonewright.posts.post import Post
from tonewright.tones.marks import Form, Mark, find_marks, strip_marks
from tonewright.tones.vocabulary import Vocabulary

_LINK = re.compile(
    r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\](?:\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s[^()]*)?\)|\[[^\[\]]*\])?"
)
_ADDRESS = re.compile(r"<?\b(?:https?://|www\.|mailto:)[^\s<>]+>?")
_NOT_SAID = re.compile(r"<[^<>]*>|\{[:{%][^{}]*[}%]?\}|\[\^[^\[\]]+\]")
_WORD = re.compile(r"\w+(?:['’\-]\w+)*")
# Repetitions are bounded, and nothing begins within a run of words: a line of a megabyte is read once.
_OPENERS = r"[\"'“‘«„(*_\[]{0,8}"
_SENTENCE_END = re.compile(
    r"(?<![\w.])(?P<last>[\w.]*)[.!?…][.!?…\"'”’»)\]*_]{0,16}(?:</\w+>)?\s+"
    rf"(?={_OPENERS}(?:<\w+>)?{_OPENERS}(?P<next>\w))"
)
_ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr st prof rev no vs etc e.g i.e cf fig approx capt col gen lt sgt
    """.split()  # noqa: SIM905  (words are easier to read without sixty pairs of quotes)
)


class ToneSpan(NamedTuple):
    """A tone written by hand that reaches a passage: where, in characters of `post.text`, and how."""

    tone: str
    start: int
    end: int
    form: Form | Literal["front matter"]


@dataclass(frozen=True)
class Passage:
    """One paragraph, or a part of a long one: `text == text_of(post.text[start:end], vocabulary)`."""

    start: int  # characters of post.text
    end: int
    text: str
    line: int  # of the first character, from 1
    tone_spans: tuple[ToneSpan, ...]  # of the nearest kind only: marks, else the block's attribute, else the header

    @property
    def tones(self) -> tuple[str, ...]:
        """The tones written on this passage, each once."""
        return tuple(dict.fromkeys(span.tone for span in self.tone_spans))


def text_of(span_text: str, vocabulary: Vocabulary) -> str:
    """What a span of a post says: without its marks, on one line, any other Markdown as written.

    A line end (with a hard break's backslash or spaces) and every run of blanks becomes one space; no-break
    spaces stay. This is the one way from `post.text[start:end]` to `Passage.text`.
    """
    *lines, last = strip_marks(span_text, vocabulary).split("\n")
    lines = [line.removesuffix("\r").removesuffix("\\") for line in lines]
    return " ".join(filter(None, " ".join([*lines, last]).replace("\t", " ").split(" ")))


def split_passages(post: Post, vocabulary: Vocabulary, *, min_words: int = 8, max_words: int = 220) -> list[Passage]:
    """The passages of `post`, in order, never overlapping.

    A paragraph with fewer than `min_words` words is left out; one with more than `max_words` is cut after
    sentences into parts of at most `max_words`, except where one sentence alone is longer. Addresses of links
    are not words. Raises `BadInput` for an unknown tone and for a mark that is not closed.
    """
    for tone in post.tones:
        vocabulary.check(tone, post.where("tone", "tones"))
    marks = find_marks(post.text, vocabulary, post.path, post.body_start)
    passages = []
    for block in scan(post.text, post.body_start, vocabulary.names):
        if block.kind != "prose" or _is_links(post.text[block.start : block.end]):
            continue
        words = count_words(text_of(post.text[block.start : block.end], vocabulary))
        if words < min_words:
            continue
        whole = [(block.start, block.end)]
        for start, end in whole if words <= max_words else _parts(post.text, block, max_words):
            text = text_of(post.text[start:end], vocabulary)
            if text:
                tones = tuple(_tone_spans(post, marks, start, end))
                passages.append(Passage(start, end, text, post.line_of(start), tones))
    return passages


def count_words(text: str) -> int:
    """Words that are read: the text of a link but not its address, and no tag, template or footnote sign."""
    return len(_WORD.findall(_said(_LINK.sub(_label, text) if "[" in text else text)))


def _label(link: re.Match[str]) -> str:
    return " " if link[0].startswith("!") else link[1]


def _is_links(text: str) -> bool:
    """Whether nothing is said outside of links and images."""
    return not _WORD.search(_said(_LINK.sub(" ", text) if "[" in text else text))


def _said(text: str) -> str:
    """`text` without addresses, tags, templates and footnote signs; prose mostly has none, and is not searched."""
    if "://" in text or "www." in text or "mailto:" in text:
        text = _ADDRESS.sub(" ", text)
    return _NOT_SAID.sub(" ", text) if "<" in text or "{" in text or "[^" in text else text


def _parts(text: str, block: Block, max_words: int) -> Iterator[tuple[int, int]]:
    """The block's span, or spans of whole sentences with at most `max_words` words each."""
    begin = end = block.start
    for stop in _sentence_ends(text, block):
        if end > begin and count_words(text[begin:stop]) > max_words:
            yield begin, begin + len(text[begin:end].rstrip())
            begin = end
        end = stop
    yield begin, block.end


def _sentence_ends(text: str, block: Block) -> Iterator[int]:
    """Offsets at which the next sentence begins, none in a link or a code span; the block's end last."""
    links = (m.span() for m in _LINK.finditer(text, block.start, block.end))
    closed = sorted([*code_spans(text, block.start, block.end), *links], reverse=True)
    until = block.start  # the end of the code and links that began so far
    for found in _SENTENCE_END.finditer(text, block.start, block.end):
        while closed and closed[-1][0] < found.end():
            until = max(until, closed.pop()[1])
        word = found["last"].lower()
        initial = len(word) == 1 and found["last"].isupper() and word != "i"
        if word not in _ABBREVIATIONS and not initial and not found["next"].islower() and found.end() >= until:
            yield found.end()
    yield block.end


def _tone_spans(post: Post, marks: list[Mark], start: int, end: int) -> Iterator[ToneSpan]:
    """The nearest to the words: marks around or in the passage, else its attribute, else the header."""
    touching = [m for m in marks if m.start < end and m.end > start and post.text[m.start : m.end].strip()]
    inner = [m for m in touching if m.form != "block attribute"]
    for mark in inner or touching:
        yield ToneSpan(mark.tone, max(mark.start, start), min(mark.end, end), mark.form)
    if not touching:
        yield from (ToneSpan(tone, start, end, "front matter") for tone in post.tones)
