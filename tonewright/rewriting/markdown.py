"""Which characters of a Markdown file may be rewritten, and how an answer is put in their place."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from tonewright.posts.blocks import scan
from tonewright.posts.inline import locked_spans
from tonewright.posts.passages import split_passages, text_of
from tonewright.posts.post import parse
from tonewright.tones.marks import strip_marks
from tonewright.tones.vocabulary import Vocabulary

MOST_CHARACTERS = 4000  # what a small model's window of 2,048 tokens holds twice, as question and as answer

_HARD_BREAK = re.compile(r"(?: {2,}|\\)\r?\n")
_LABEL = re.compile(r"^ {0,3}\[([^\[\]^][^\[\]]*)\]:", re.MULTILINE)
_EMPTY_LINK = re.compile(r"\[\s*\]$")
_NESTED = ("html", "template", "comment")  # these open and close each other, so their order matters
_SIGNS = ("*", "_", "~", "`", "$")  # they come in pairs
_OPENERS = ("{{", "{%", "{:", "<!", "$$", "```")


@dataclass(frozen=True)
class Prose:
    """What `[start:end)` of a file says, on one line; `locked` tells why it has to stay as it is."""

    start: int
    end: int
    text: str
    tones: tuple[str, ...]  # written on it by hand
    locked: str = ""


def prose(text: str, path: str, vocabulary: Vocabulary) -> Iterator[Prose]:
    """The paragraphs of the author's own prose in `text`, in order, without the marks around them.

    Front matter, code, quotations, lists, tables, HTML and templates never come up. Raises `BadInput` naming
    `path` and line for a header or a mark that cannot be read.
    """
    for passage in split_passages(parse(text.encode(), path), vocabulary):
        written = text[passage.start : passage.end]
        bare = strip_marks(written, vocabulary)
        at = written.find(bare)
        if at < 0:
            yield Prose(passage.start, passage.end, passage.text, passage.tones, "a tone is marked inside of it")
            continue
        start = passage.start + at
        yield Prose(start, start + len(bare), text_of(bare, vocabulary), passage.tones, _locked(bare))


def link_labels(text: str) -> frozenset[str]:
    """The labels of the link references in a file, in lower case."""
    return frozenset(m[1].strip().lower() for m in _LABEL.finditer(text))


def one_line(text: str) -> str:
    """`text` with every run of blanks and line ends as one space; no-break spaces stay."""
    spaced = text.replace("\t", " ").replace("\r", " ").replace("\n", " ")
    return " ".join(filter(None, spaced.split(" ")))


def is_paragraph(text: str, vocabulary: Vocabulary) -> bool:
    """Whether `text`, put in the place of a paragraph, is one, and not a list or a heading."""
    return [block.kind for block in scan(text, 0, vocabulary.names)] == ["prose"]


def put_back(before: str, answer: str, labels: Collection[str], vocabulary: Vocabulary) -> tuple[str, str]:
    """(`answer` with the locked spans of `before` in it byte for byte, "") or ("", why that cannot be).

    `before` are the characters of the file, `answer` is on one line. Every code span, target of a link, image, footnote
    sign, address, formula, tag and template of `before` has to be in `answer` as often, with its line ends as spaces at
    most, and `answer` may hold no others.
    """
    wanted, said = locked_spans(before, labels), locked_spans(answer, labels)
    originals: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for span in wanted:
        original = before[span.start : span.end]
        originals[span.kind, one_line(original)].append(original)
    there = Counter((span.kind, one_line(answer[span.start : span.end])) for span in said)
    counted = Counter({key: len(found) for key, found in originals.items()})
    for verb, (kind, item) in [
        *(("lost", key) for key in (counted - there).elements()),
        *(("invented", key) for key in (there - counted).elements()),
    ]:
        return "", f"it {verb} {kind} {item}"
    pieces, at = [], 0
    for span in said:
        key = (span.kind, one_line(answer[span.start : span.end]))
        pieces += [answer[at : span.start], originals[key].pop(0)]
        at = span.end
    text = "".join(pieces) + answer[at:]
    return (text, why) if not (why := _broken(before, text, labels, vocabulary)) else ("", why)


def _locked(bare: str) -> str:
    if len(bare) > MOST_CHARACTERS:
        return f"it is {len(bare):,} characters long, and {MOST_CHARACTERS:,} are the most that a model is given"
    return "its line breaks are part of it" if "\n" in bare and _HARD_BREAK.search(bare) else ""


def _broken(before: str, text: str, labels: Collection[str], vocabulary: Vocabulary) -> str:
    """What is wrong with the form of `text` in the place of `before`, or ""."""
    if not is_paragraph(text, vocabulary):
        return "it is no paragraph any more"
    old, new = (locked_spans(t, labels) for t in (before, text))
    if [before[s.start : s.end] for s in old if s.kind in _NESTED] != [
        text[s.start : s.end] for s in new if s.kind in _NESTED
    ]:
        return "its tags changed places"
    if any(s.kind == "link" and _EMPTY_LINK.search(text, 0, s.start) for s in new):
        return "a link lost its words"
    rest_before, rest = (_outside(t, [(s.start, s.end) for s in spans]) for t, spans in ((before, old), (text, new)))
    for sign in _SIGNS:
        if (rest.count(sign) - rest_before.count(sign)) % 2:
            return f"its {sign} come no longer in pairs"
    if rest.count("[") != rest.count("]") and rest_before.count("[") == rest_before.count("]"):
        return "its brackets come no longer in pairs"
    opened = next((sign for sign in _OPENERS if rest.count(sign) > rest_before.count(sign)), "")
    return f"it opened a {opened}" if opened else ""


def _outside(text: str, spans: Sequence[tuple[int, int]]) -> str:
    kept, at = [], 0
    for start, end in spans:
        kept.append(text[at:start])
        at = end
    return "\0".join([*kept, text[at:]])  # so that nothing new arises where a span was
