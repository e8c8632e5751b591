"""The author's habits, counted in the corpus and nowhere else: what a style guide would say, with its evidence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tonewright.gate.language import sentences, words
from tonewright.ledger.store import Ledger

SHORT, LONG = 5, 25  # words in a short and in a long sentence
LEAST = 20  # sentences below which nothing is a habit
_OFTEN = 3  # times that something must occur to be named
_NAMED = 5  # of a kind at most
_FREQUENT, _RARE = 5.0, 1.0  # marks per 1,000 words

_MARKS = {
    "dashes": re.compile(r"[—–]|(?<=\s)--?(?=\s)"),
    "semicolons": re.compile(";"),
    "colons": re.compile(r":(?=\s)"),
    "brackets": re.compile(r"(?<!\])\("),
    "exclamation marks": re.compile("!"),
    "question marks": re.compile(r"\?"),
    "ellipses": re.compile(r"…|\.\.\."),
}
_CONTRACTED = re.compile(r"\b\w+(?:n['’]t|['’](?:re|ve|ll|m|d))\b|\b(?:it|that|there|what|he|she|who|let)['’]s\b", re.I)
_IN_FULL = re.compile(
    r"\b(?:(?:do|does|did|is|are|was|were|have|has|had|would|could|should|will) not|cannot|I am|I have|I will|it is"
    r"|that is|there is|you are|we are|they are)\b",
    re.I,
)
_SPELLINGS = {
    "British": re.compile(
        r"\b(?:(?:col|fav|hon|neighb|behavi|flav|hum|lab|harb|rum|vap)our|cent(?:re)|theatre|grey|defence|pyjamas|sceptic"
        r"|plough|jewellery|aluminium|(?:travel|cancel|label|model|signal)l(?:ed|ing)|(?:real|organ|recogn|apolog|critic)is)",
        re.I,
    ),
    "American": re.compile(
        r"\b(?:(?:col|fav|hon|neighb|behavi|flav|hum|lab|harb|rum|vap)or(?!i)|center|theater|gray|defense|pajamas|skeptic"
        r"|plow|jewelry|aluminum|(?:travel|cancel|label|model|signal)(?:ed|ing)|(?:real|organ|recogn|apolog|critic)iz)",
        re.I,
    ),
}
_HEDGES = re.compile(
    r"\b(?:perhaps|maybe|probably|possibly|rather|quite|fairly|somewhat|almost|a bit|a little|sort of|kind of"
    r"|more or less|I think|I suppose|I guess|I believe|it seems|apparently|presumably|in a way|I am told|I'm told)\b",
    re.I,
)


@dataclass(frozen=True)
class Habits:
    """Counts over `passages` of the author's; `marks`, `openers` and `hedges` with the most frequent first."""

    passages: int
    words: int
    sentences: int
    median_length: float  # words of a sentence
    short: int  # sentences
    long: int
    openers: dict[str, int]
    marks: dict[str, int]
    contracted: int
    in_full: int
    spellings: dict[str, int]
    hedges: dict[str, int]

    @property
    def enough(self) -> bool:
        """Whether there is enough to speak of habits."""
        return self.sentences >= LEAST


def own_texts(ledger: Ledger) -> tuple[str, ...]:
    """The author's live passages, in the order in which they came."""
    return tuple(
        str(text)
        for (text,) in ledger.read(
            """SELECT t.text FROM passages p JOIN documents d ON d.id = p.document AND d.live = 1
               JOIN texts t ON t.hash = p.text_hash ORDER BY p.id"""
        )
    )


def measure(texts: Sequence[str]) -> Habits:
    """Count the habits in `texts`."""
    whole = "\n".join(texts)
    lengths, openers = [], Counter[str]()
    for text in texts:
        for sentence in sentences(text):
            said = words(sentence)
            if said:
                lengths.append(len(said))
                openers[said[0]] += 1
    return Habits(
        passages=len(texts),
        words=len(words(whole)),
        sentences=len(lengths),
        median_length=float(median(lengths)) if lengths else 0.0,
        short=sum(n <= SHORT for n in lengths),
        long=sum(n >= LONG for n in lengths),
        openers=_top(openers),
        marks=dict(Counter({name: len(mark.findall(whole)) for name, mark in _MARKS.items()}).most_common()),
        contracted=len(_CONTRACTED.findall(whole)),
        in_full=len(_IN_FULL.findall(whole)),
        spellings={name: len(found.findall(whole)) for name, found in _SPELLINGS.items()},
        hedges=_top(Counter(m[0].lower().replace("’", "'") for m in _HEDGES.finditer(whole))),
    )


def evidence(habits: Habits) -> list[tuple[str, str]]:
    """(habit, counts) for people."""
    share = 100 / (habits.sentences or 1)
    return [
        ("read", f"{habits.passages} passages, {habits.words:,} words, {habits.sentences} sentences"),
        ("sentences", f"{habits.median_length:g} words in the middle; {SHORT} or fewer: {habits.short} "
         f"({habits.short * share:.0f} %), {LONG} or more: {habits.long} ({habits.long * share:.0f} %)"),
        ("openers", _listed(habits.openers)),
        ("punctuation", _listed(habits.marks)),
        ("contractions", f"{habits.contracted} contracted (don't), {habits.in_full} in full (do not)"),
        ("spelling", _listed(habits.spellings)),
        ("hedges", _listed(habits.hedges)),
    ]  # fmt: skip


def guide(habits: Habits) -> str:
    """The habits as instructions for a model; "" when there is too little to go by."""
    if not habits.enough:
        return ""
    told = [f"Sentences have about {habits.median_length:.0f} words"]
    told[0] += f"; every {habits.sentences / habits.short:.0f}th is very short." if habits.short >= _OFTEN else "."
    if habits.openers:
        told.append(f"Sentences often begin with {_quoted(word.capitalize() for word in habits.openers)}.")
    rates = {name: 1000 * n / (habits.words or 1) for name, n in habits.marks.items()}
    if often := [name for name in ("dashes", "semicolons", "brackets") if rates[name] >= _FREQUENT]:
        told.append(f"There are many {' and '.join(often)}.")
    if rare := [name for name in ("exclamation marks", "semicolons", "ellipses", "dashes") if rates[name] < _RARE]:
        told.append(f"There are hardly any {', '.join(rare)}.")
    if max(habits.contracted, habits.in_full) >= _OFTEN:
        told.append("Contractions are usual." if habits.contracted > habits.in_full else "Contractions are avoided.")
    spelling, times = max(habits.spellings.items(), key=lambda found: found[1])
    if times >= _OFTEN and times > 2 * min(habits.spellings.values()):
        told.append(f"Spelling is {spelling}.")
    if habits.hedges:
        told.append(f"Typical hedges are {_quoted(habits.hedges)}.")
    return " ".join(told)


def _top(counts: Counter[str]) -> dict[str, int]:
    return {word: n for word, n in counts.most_common(_NAMED) if n >= _OFTEN}


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.items()) or "none often enough to name"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
