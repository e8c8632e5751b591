"""What can be counted about an answer: facts that it lost, runs that it copied, loops that it fell into."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from tonewright.gate.language import is_content, names, numbers, stem, words

# What must survive to the letter, in the order in which it is looked for.
_LITERAL = (
    ("code", re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)),
    ("link", re.compile(r"https?://[^\s<>\"')\]]*[^\s<>\"')\].,;:!?]|(?<=\]\()[^\s)]+")),
    (
        "markup",
        re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{:.*?\}|\[\^[^\]]+\]|(?<=\])\[[^\]]+\]|</?[A-Za-z][^>]*>", re.DOTALL),
    ),
)
ECHO = 0.93  # similarity from which an answer only repeats the request
FACTS = ("numbers", "names", "links and code", "negations")
_KINDS = {"number": "numbers", "name": "names"} | dict.fromkeys((kind for kind, _ in _LITERAL), "links and code")
_ENDED = re.compile(r"[.!?…:;][\"'”’)\]*_`]*\s*$")
_NEGATIONS = frozenset(words("not no never none nobody nothing neither nor nowhere without cannot"))
_CLAUSE = re.compile(r"[.,;:!?…()—–\n]+|\b(?:and|but)\b")
_SCOPE = 3  # content words after a negation, within the clause, that it is taken to deny


def similarity(a: str, b: str) -> float:
    """How much of two texts is the same words in the same order, from 0 to 1 (Ratcliff and Obershelp)."""
    return SequenceMatcher(None, words(a), words(b), autojunk=False).ratio()


def kept(source: str, answer: str) -> list[str]:
    """The facts of `source` that `answer` lost, each in a few words; empty when everything survived.

    Facts are code spans, links, markup (Liquid, HTML, references), numbers (212 and "two hundred and twelve"
    are the same), names (capitalised words that do not begin a sentence) and negations: a denial that is
    gone, or a word that is denied in one text and asserted in the other.
    """
    return _gone(source, answer) + _denials(_bare(source), _bare(answer))


def facts(source: str, answer: str) -> dict[str, tuple[int, int]]:
    """{kind: (facts that `answer` kept, facts of `source`)} for each of `FACTS`; what a text denies is one fact."""
    lost = Counter(_KINDS.get(fact.partition(" ")[0], "negations") for fact in kept(source, answer))
    literal = 0
    for _, pattern in _LITERAL:
        source, found = pattern.subn(" ", source)
        literal += found
    there = (len(set(numbers(source))), len(set(names(source))), literal, int(_polarity(source)[2]))
    return {kind: (max(0, number - lost[kind]), number) for kind, number in zip(FACTS, there)}


def faults(source: str, answer: str) -> list[str]:
    """Why `answer` must not take the place of `source`; empty when it may.

    The gate counts the answers without faults, and `tonewright rewrite` uses no others.
    """
    if not words(answer):
        return ["the answer is empty"]
    found = ["it goes round in circles"] if loops(answer) else []
    if _ENDED.search(source) and not _ENDED.search(answer):
        found.append("it breaks off in the middle of a sentence")
    found += [f"it lost {fact}" for fact in kept(source, answer)]
    return found + [f"it invented {fact}" for fact in invented(source, answer)]


def invented(source: str, answer: str) -> list[str]:
    """Code, links, markup, numbers and names of `answer` that are not in `source`."""
    return _gone(answer, source)


def loops(text: str) -> bool:
    """Whether `text` goes round in circles.

    That is: a block of up to 12 words three times on end (a single word four times), or the same six words
    three times anywhere.
    """
    said = words(text)
    for size in range(1, 13):
        times = 4 if size == 1 else 3
        for i in range(len(said) - times * size + 1):
            if said[i : i + size] * times == said[i : i + times * size]:
                return True
    sixes = Counter(tuple(said[i : i + 6]) for i in range(len(said) - 5))
    return any(n >= 3 for n in sixes.values())


class OverlapIndex:
    """Every run of three words in a set of texts, to look up what an answer has in common with them."""

    SIZE = 3

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = [words(t) for t in texts]
        self._places: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
        for number, text in enumerate(self._texts):
            for i in range(len(text) - self.SIZE + 1):
                self._places[tuple(text[i : i + self.SIZE])].append((number, i))

    def runs(self, said: Sequence[str]) -> Iterator[tuple[int, int]]:
        """(start, length) of the longest shared run, for each word of `said` that begins one."""
        for start in range(len(said) - self.SIZE + 1):
            places = self._places.get(tuple(said[start : start + self.SIZE]), ())
            if places:
                yield start, max(self._shared(said, start, number, at) for number, at in places)

    def _shared(self, said: Sequence[str], start: int, number: int, at: int) -> int:
        text = self._texts[number]
        length = self.SIZE
        while start + length < len(said) and at + length < len(text):
            if said[start + length] != text[at + length]:
                break
            length += 1
        return length


def longest_overlap(answer: str, index: OverlapIndex, prompt: str = "") -> tuple[int, str]:
    """(length in words, the run) of the longest run that `answer` shares with the indexed texts.

    Runs under three words are 0. Words that also stand in the `prompt`, in a run of three or more, are not
    counted: to repeat what one was given is not to remember it.
    """
    said = words(answer)
    given = [False] * len(said)
    for start, length in OverlapIndex([prompt]).runs(said):
        given[start : start + length] = [True] * length
    best, run = 0, ""
    for start, length in index.runs(said):
        counted = length - sum(given[start : start + length])
        if counted > best:
            best, run = counted, " ".join(said[start : start + length])
    return best, run


def _gone(source: str, answer: str) -> list[str]:
    found = []
    for kind, pattern in _LITERAL:
        wanted, there = (Counter(m[0] for m in pattern.finditer(text)) for text in (source, answer))
        found += [f"{kind} {item}" for item in (wanted - there).elements()]
        source, answer = pattern.sub(" ", source), pattern.sub(" ", answer)
    there_numbers = set(numbers(answer))
    found += [f"number {n}" for n in dict.fromkeys(numbers(source)) if n not in there_numbers]
    said = {w.removesuffix("'s") for w in words(answer)}
    return found + [f"name {n}" for n in dict.fromkeys(names(source)) if n.lower() not in said]


def _bare(text: str) -> str:
    for _, pattern in _LITERAL:
        text = pattern.sub(" ", text)
    return text


def _denials(source: str, answer: str) -> list[str]:
    denied, asserted, any_denial = _polarity(source)
    denied_now, asserted_now, any_denial_now = _polarity(answer)
    if any_denial and not any_denial_now:
        return ["a “not”"]
    gone = sorted((denied - asserted) & (asserted_now - denied_now))
    new = sorted((asserted - denied) & (denied_now - asserted_now))
    return [f"“not {w}…”" for w in gone] + [f"“{w}…”, now denied" for w in new]


def _polarity(text: str) -> tuple[set[str], set[str], bool]:
    """(stems in the scope of a negation, all other content stems, whether there is any negation)."""
    denied: set[str] = set()
    asserted: set[str] = set()
    found = False
    for clause in _CLAUSE.split(text):
        left = 0
        for word in words(clause):
            if word in _NEGATIONS or word.endswith("n't"):
                found, left = True, _SCOPE
            elif is_content(word):
                (denied if left > 0 else asserted).add(stem(word))
                left -= 1
    return denied, asserted, found
