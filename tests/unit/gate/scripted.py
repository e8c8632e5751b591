"""Systems and an embedder without a model: each answers, and finds texts dear, by a rule."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tonewright import prompts
from tonewright.gate.language import words
from tonewright.gate.measures import faults
from tonewright.gate.systems import Item, Lesson
from tonewright.models.llama import Score
from tonewright.prompts import Messages
from tonewright.tones.exemplars import shipped_exemplars

THINGS = ["kettle", "lamp", "rope", "gull", "wheel", "bell", "gate", "tin", "brake", "roof", "meter", "stove", "ladder"]
TONES = ("dry", "playful", "sincere", "snark")
_TONE = re.compile(r"in an? (\w+) tone")


def taught(number: int) -> str:
    """What the author wrote about one thing, with a year that stands nowhere else."""
    opinion = "about the weather and shared them with anybody who came to sit by it"
    return f"My old {THINGS[number]} of {1951 + 3 * number} had opinions {opinion}."


LESSONS = [Lesson(prompts.rewrite(f"The {THINGS[n]} is old.", TONES[n % 4]), taught(n)) for n in range(len(THINGS))]


def item(number: int) -> Item:
    """A held-out passage with a number in it; two make a post."""
    thing, tone = THINGS[number % len(THINGS)], TONES[number % len(TONES)]
    plain = f"The {thing} broke. It cost {100 + number} pounds to mend the {thing}."
    own = f"The {thing} broke, which is what a {thing} is for, and there went {100 + number} pounds."
    return Item(f"item-{number}", "rewrite", tone, prompts.rewrite(plain, tone), own, plain, f"post-{number // 2}")


def faithful(source: str, tone: str = "") -> str:
    """Says the same in other words."""
    return source.replace("broke.", "gave up.").replace("It cost", "It took")


def in_tone(source: str, tone: str) -> str:
    """The same, and then something that is plainly said in the tone that was asked for."""
    said = [f"{faithful(source)} {e.text}" for e in shipped_exemplars() if e.tone == tone]
    return next(answer for answer in said if not faults(source, answer))


def deaf(source: str, tone: str) -> str:
    """The same in one tone, whatever was asked for."""
    return in_tone(source, "wistful")


@dataclass
class Scripted:
    """A system that finds every answer equally hard, less so with examples, and answers by a rule of source and tone.

    `knows` are texts that it finds easy.
    """

    nats_per_word: float
    answer: Callable[..., str] = faithful
    examples_help: float = 0.0
    knows: Sequence[str] = ()
    asked: list[Messages] = field(default_factory=list)

    def score(self, messages: Messages, target: str) -> Score:
        """The same cost for each word, a little more for longer answers so that items differ."""
        said = len(target.split())
        helped = self.examples_help if len(messages) > 2 else 0.0
        known = target in self.knows
        return Score(said * (0.1 if known else self.nats_per_word - helped) + 0.01 * len(target), said)

    def generate(self, messages: Messages, *, max_tokens: int) -> str:
        """What the rule makes of the text in the request."""
        self.asked.append(messages)
        wish, _, source = messages[-1]["content"].partition("\n\n")
        tone = _TONE.search(wish)
        return self.answer(source, tone[1] if tone else "plain")


class WordEmbedder:
    """A text as the words that it uses, without numbers: enough to see what it is about and what it sounds like."""

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """One row of length 1 per text, shape (n, 512)."""
        rows = np.zeros((len(texts), 512), dtype=np.float32)
        for row, text in zip(rows, texts):
            for word in filter(str.isalpha, words(text)):
                row[zlib.crc32(word.encode()) % 512] += 1.0
            row /= max(1.0, float(np.linalg.norm(row)))
        return rows


@contextmanager
def word_embedder() -> Iterator[WordEmbedder]:
    """One that opens and closes like the real one."""
    yield WordEmbedder()
