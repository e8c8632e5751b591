"""How much more a text is in the author's manner than in other people's, whatever it is about."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from math import log
from typing import NamedTuple

from tonewright.gate.intervals import Counted
from tonewright.gate.language import FUNCTION_WORDS, sentences, words

BACKGROUND = "background.json"  # made by `python -m tonewright.gate.count_background`
_FUNCTION = frozenset(FUNCTION_WORDS)
_MARK = re.compile(r"[,;:!?…(\"“”]|\.\.\.|[—–]|(?<=\s)-(?=\s)")
_SAME = {"...": "…", "–": "—", "-": "—", "“": '"', "”": '"'}
_LENGTHS = (5, 10, 18, 30)  # words of a sentence: upper ends of the classes, and one class above
# The author's rates start as other people's, and so many words, marks or sentences of the author's outweigh those.
_PRIOR = {"word": 300.0, "mark": 300.0, "length": 30.0}
_LEAST = 1e-5  # the rate of what nobody in the background ever used

Feature = tuple[str, str]


class Likeness(NamedTuple):
    """The evidence of one text: `nats` in favour of the author, over `words`."""

    nats: float
    words: int

    @property
    def per_word(self) -> float:
        """Above 0: more like the author; below: more like other people."""
        return self.nats / (self.words or 1)


class Manner:
    """An author's manner, as the odds of each habit against other people's.

    After F. Mosteller and D. L. Wallace, Inference and Disputed Authorship: The Federalist (1964): a text's likeness
    is sum_i n_i log(a_i / b_i), with n_i how often feature i is in it, a_i its rate with the author and b_i that with
    others. Features are the function words (all other words are one; contractions are two more), punctuation marks
    and sentences by length, each with rates that add up to 1. a_i is shrunk to b_i by a Dirichlet prior, so that an
    author of three posts is told from nobody rather than wrongly. What a text is about does not count.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        others, own = background(), Counter[Feature]()
        for text in texts:
            own.update(features(text))
        whole = Counter[str]()
        for (kind, _), count in own.items():
            whole[kind] += count
        self._odds = {}
        for feature in {*others, *own}:
            prior, rate = _PRIOR[feature[0]], max(others.get(feature, 0.0), _LEAST)
            self._odds[feature] = log((own[feature] + prior * rate) / (whole[feature[0]] + prior) / rate)

    def likeness(self, text: str) -> Likeness:
        """The evidence that `text` is the author's. A feature that neither side ever had says nothing."""
        found = features(text)
        nats = sum(count * self._odds.get(feature, 0.0) for feature, count in found.items())
        return Likeness(nats, sum(count for (kind, _), count in found.items() if kind == "word"))

    def counted(self, texts: Sequence[str]) -> Counted:
        """The same of each text, for a figure in nats per word."""
        found = [self.likeness(text) for text in texts]
        return Counted([one.nats for one in found], [one.words for one in found])


def features(text: str) -> Counter[Feature]:
    """How often each habit occurs in `text`: (word, mark or length; which one)."""
    said = words(text)
    found = Counter[Feature](("word", _class_of(word)) for word in said)
    marks = [_SAME.get(mark, mark) for mark in _MARK.findall(text)]
    found.update(("mark", mark) for mark in marks)
    found["mark", ""] = max(0, len(said) - len(marks))
    for sentence in sentences(text):
        if size := len(words(sentence)):
            found["length", str(next((most for most in _LENGTHS if size <= most), "more"))] += 1
    return found


def rates(counts: Counter[Feature]) -> dict[Feature, float]:
    """Counts as shares of their kind."""
    whole = Counter[str]()
    for (kind, _), count in counts.items():
        whole[kind] += count
    return {feature: count / whole[feature[0]] for feature, count in counts.items() if count}


@cache
def background() -> dict[Feature, float]:
    """Other people's rates: the mean over the registers that are shipped, each counted once (docs/gate.md)."""
    kept = json.loads((resources.files("tonewright.gate") / BACKGROUND).read_text(encoding="utf-8"))
    registers = [register["rates"] for register in kept["registers"].values()]
    found = Counter[Feature]()
    for register in registers:
        for kind, listed in register.items():
            for name, rate in listed.items():
                found[kind, name] += rate / len(registers)
    return dict(found)


def _class_of(word: str) -> str:
    if word in _FUNCTION:
        return word
    return "n't" if word.endswith("n't") else "'" if "'" in word else "*"
