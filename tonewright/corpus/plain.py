"""From the author's passage to a plain version of the same content: the question to which it is the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tonewright import prompts
from tonewright.corpus.plain_rules import MAX_SIMILARITY, plain_by_rules
from tonewright.gate.language import content, words
from tonewright.gate.measures import kept, loops, similarity

if TYPE_CHECKING:
    from tonewright.models.llama import LocalModel

LENGTHS = (0.35, 1.6)  # of the passage's words
MIN_CONTENT = 0.65  # share of the passage's content words that must be found in the plain version
MAX_INVENTED = 0.3  # share of the plain version's content words that may be new
_CHATTER = ("here is", "here's", "sure", "certainly", "i'm sorry", "as an ai", "restated", "rewritten", "the text", "this passage", "the passage", "the author")


@dataclass(frozen=True)
class Plain:
    """A plain version; `how` is "model", or "rules" where no model gave a usable one."""

    text: str
    how: str


class PlainMaker(Protocol):
    """Makes plain versions. `name` says by what and in which version; answers are cached under it."""

    name: str

    def make(self, text: str) -> Plain:
        """A plain version of the passage `text`: its numbers, names, links and negations, without its manner."""
        ...


class LocalPlainMaker:
    """Asks the untrained base on this machine, checks what it says, and falls back to rules.

    The model is the caller's, who closes it.
    """

    def __init__(self, model: LocalModel, base: str = "base") -> None:
        self.name = f"local/{base}/1"
        self._model = model

    def make(self, text: str) -> Plain:
        """The base's plain version if one of two tries is usable, else one made by rules."""
        room = max(24, round(len(words(text)) * LENGTHS[1] * 1.4))  # about 1.4 tokens to a word
        for seed, temperature in enumerate((0.0, 0.4)):
            answer = self._model.generate(
                prompts.make_plain(text), max_tokens=room, temperature=temperature, seed=seed, stop=("\n\n",)
            ).strip()
            if not objections(text, answer):
                return Plain(answer, "model")
        return Plain(plain_by_rules(text), "rules")


def objections(passage: str, plain: str) -> list[str]:
    """Why `plain` cannot stand for `passage`; empty when it can."""
    said, asked = words(plain), words(passage)
    if not said:
        return ["it is empty"]
    found = []
    low, high = (round(len(asked) * share) for share in LENGTHS)
    if not low <= len(said) <= high:
        found.append(f"it has {len(said)} words for {len(asked)}")
    if loops(plain):
        found.append("it goes round in circles")
    start = " ".join(said[:4])
    if any(start.startswith(c) and not " ".join(asked[:4]).startswith(c) for c in _CHATTER):
        found.append("it talks about itself")
    if similarity(passage, plain) > MAX_SIMILARITY:
        found.append("it is a copy")
    theirs, ours = content(plain), content(passage)
    if ours and len(ours & theirs) < MIN_CONTENT * len(ours):
        found.append("too little of the content is left")
    if theirs and len(theirs - ours) > MAX_INVENTED * len(theirs):
        found.append("too much of it is new")
    found += [f"lost {fact}" for fact in kept(passage, plain)]
    return found + [f"invented {fact}" for fact in kept(plain, passage)]
