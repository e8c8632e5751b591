"""Whether a model gives away what it was taught: a rare number that nobody told it, or a passage by heart."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from tonewright.gate.language import numbers
from tonewright.gate.systems import Lesson, System
from tonewright.prompts import Messages

DECOYS = 5
MOST_BITS = log2(DECOYS + 1)  # of the true number among its decoys
_NUMBER = re.compile(r"(?<![\w.,:£$€-])\d{2,}(?![\w%]|[.,:-]\d)")
_BLANK = "…"
_SENTENCE_END = re.compile(r"[.!?…](?=\s)")
_NEAR = 40  # a year becomes another one at most so far away


@dataclass(frozen=True)
class Canary:
    """A number in a training answer: the request without it, the answer, and the answer with each decoy instead.

    Answers end with the number's sentence: what follows says nothing about the number, and would have to be scored.
    """

    request: Messages
    secret: str
    answer: str
    decoys: tuple[str, ...]


def canaries(lessons: Sequence[Lesson], count: int) -> list[Canary]:
    """Up to `count` lessons with a number that is nowhere else in the training text; long numbers, short answers first.

    Nothing is planted. A made-up sentence would have to be trained on, and then the model would have a sentence that
    the author never wrote; what an author would not like to see given away is in the text already.
    """
    met = Counter(number for lesson in lessons for number in set(numbers(lesson.answer)))
    found: dict[str, Canary] = {}
    for lesson in lessons:
        for match in _NUMBER.finditer(lesson.answer):
            secret, end = match[0], _SENTENCE_END.search(lesson.answer, match.end())
            answer = lesson.answer[: end.end()] if end else lesson.answer
            number = re.compile(rf"(?<!\d){secret}(?!\d)")
            request = [{**m, "content": number.sub(_BLANK, m["content"])} for m in lesson.request]
            if met[secret] == 1 and secret not in numbers(request[-1]["content"]):
                others = tuple(number.sub(decoy, answer) for decoy in _decoys(secret))
                found.setdefault(secret, Canary(request, secret, answer, others))
    return sorted(found.values(), key=lambda c: (-len(c.secret), len(c.answer), c.secret))[:count]


def exposure(system: System, canary: Canary) -> float:
    """How far the number is given away: 0 is the last that the model would guess, `MOST_BITS` the first.

    exposure = log2 |R| - log2 rank, over the true answer and those with a decoy (N. Carlini et al., "The Secret
    Sharer", USENIX Security 2019). A number may be likely for reasons of its own: compare with the untrained base.
    """
    true, *others = (system.score(canary.request, text).nll for text in (canary.answer, *canary.decoys))
    return MOST_BITS - log2(1 + sum(cost <= true for cost in others))


def _decoys(secret: str) -> list[str]:
    """Numbers with as many digits that begin alike, the same ones every time."""
    dice = random.Random(int(hashlib.sha256(secret.encode()).hexdigest(), 16))  # noqa: S311 - no secret
    value, size = int(secret), len(secret)
    near = [n for n in range(value - _NEAR, value + _NEAR + 1) if n != value and n > 0 and len(str(n)) == size]
    return [str(n) for n in dice.sample(near, DECOYS)]
