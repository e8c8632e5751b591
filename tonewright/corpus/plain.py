"""From the author's passage to a plain version of the same content: the request that it will answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tonewright import prompts
from tonewright.corpus.documents import is_forgotten, keep_text, text_hash
from tonewright.corpus.plain_rules import MAX_SIMILARITY, plain_by_rules
from tonewright.gate.language import content, sentences, words
from tonewright.gate.measures import OverlapIndex, faults, kept, longest_overlap, similarity
from tonewright.ledger.store import Transaction

if TYPE_CHECKING:
    from tonewright.models.llama import LocalModel

BY_MODEL, BY_RULES = "model", "rules"

LENGTHS = (0.35, 1.6)  # words of a plain version, as a share of the passage's
MIN_CONTENT = 0.65  # share of the content words that rules would leave, and a plain version must have
MAX_INVENTED = 0.3  # share of its own content words that may be new
LEAKED = 3  # words in a row that a plain version may share with the prompt's own examples
TRIAL = 16  # passages after which a base has shown what it can do
MIN_USABLE = 0.4  # share of usable answers from which it is worth asking on
_ROOM = 1.8  # tokens per word of the passage: a third more than a plain version of its own length needs
_PERSONS = (
    frozenset({"i", "me", "my", "mine"}),
    frozenset({"he", "him", "his"}),
    frozenset({"she", "her", "hers"}),
)
_CHATTER = (
    "here is", "here's", "here are", "sure", "certainly", "i'm sorry", "i apologize", "you are", "as an ai",
    "the author", "the text", "the passage", "this passage", "that's a", "that was",
)  # fmt: skip


@dataclass(frozen=True)
class Plain:
    """A plain version; `how` is "model", or "rules" where no model gave a usable one."""

    text: str
    how: str


class PlainMaker(Protocol):
    """Makes plain versions. `name` says by what and in which version; results are kept under it."""

    name: str

    def make(self, text: str) -> Plain:
        """The passage `text` without its manner: numbers, names, links and negations are all there."""
        ...


class LocalPlainMaker:
    """Asks an untrained base on this machine, checks what it says, and falls back to rules.

    A base that is mostly unusable after `TRIAL` passages is not asked again: a 135M model spends a second or two
    on each passage and fails seven times in eight. `base` is the model's name. The model stays the caller's to close.
    """

    def __init__(self, model: LocalModel, base: str) -> None:
        self.name = f"local/{base}/1"
        self._model = model
        self._asked = self._usable = 0

    def make(self, text: str) -> Plain:
        """The base's plain version if it is usable, else one made by rules."""
        if self._asked >= TRIAL and self._usable < MIN_USABLE * self._asked:
            return Plain(plain_by_rules(text), BY_RULES)
        # One try: a second one, warmer, doubled the time and saved one passage in sixteen from the rules.
        room = 16 + round(len(words(text)) * _ROOM)
        answer = self._model.generate(prompts.make_plain(text), max_tokens=room, stop=("\n",)).strip()
        self._asked += 1
        if objections(text, answer):
            return Plain(plain_by_rules(text), BY_RULES)
        self._usable += 1
        return Plain(answer, BY_MODEL)


class RulesPlainMaker:
    """Makes plain versions by rules alone: instantly, and without a model."""

    name = "rules/1"

    def make(self, text: str) -> Plain:
        """The passage without its asides, intensifiers and the like."""
        return Plain(plain_by_rules(text), BY_RULES)


OpenModel = Callable[[], "LocalModel"]  # called only by a maker that needs one


def _local(model: OpenModel, base: str) -> PlainMaker:
    return LocalPlainMaker(model(), base)


def _rules(model: OpenModel, base: str) -> PlainMaker:
    return RulesPlainMaker()


# What `pairs.use` can name besides "none", which leaves passages without plain versions and so without pairs.
PLAIN_MAKERS: dict[str, Callable[[OpenModel, str], PlainMaker]] = {"local": _local, "rules": _rules}


def objections(passage: str, plain: str) -> list[str]:
    """Why `plain` cannot stand for `passage`; empty when it can.

    Every fact must be there and none may be new, or the model would learn to lose and to invent.
    """
    said, asked = words(plain), words(passage)
    found = faults(passage, plain)
    low, high = (share * len(asked) for share in LENGTHS)
    if not low <= len(said) <= high:
        found.append(f"it has {len(said)} words where the passage has {len(asked)}")
    if " ".join(said[:3]).startswith(_CHATTER) and said[:2] != asked[:2]:
        found.append("it talks about itself")
    if len(set(sentences(plain))) < len(sentences(plain)):
        found.append("it says a sentence twice")
    if similarity(passage, plain) > MAX_SIMILARITY:
        found.append("it is a copy")
    theirs, essential = content(plain), content(plain_by_rules(passage))
    if len(essential & theirs) < MIN_CONTENT * len(essential):
        found.append("it leaves out too much")
    if len(theirs - content(passage)) > MAX_INVENTED * len(theirs):
        found.append("it invents too much")
    for person in _PERSONS:
        if person & set(said) and not person & set(asked):
            found.append(f"it invents a {min(person, key=len)}")
    if longest_overlap(plain, OverlapIndex(_example_texts()), passage)[0] > LEAKED:
        found.append("it repeats the examples of its prompt")
    new = [f"it invented {fact}" for fact in kept(plain, passage)]
    return found + [objection for objection in new if objection not in found]


def keep_plain(tx: Transaction, maker: str, text: str, plain: Plain) -> None:
    """Store the plain version of a passage, unless the author wants the passage forgotten by now."""
    if not is_forgotten(tx, text):
        tx.execute(
            "INSERT OR IGNORE INTO plain_versions VALUES (?, ?, ?, ?)",
            (text_hash(text), maker, keep_text(tx, plain.text), plain.how),
        )


def _example_texts() -> list[str]:
    return [m["content"] for m in prompts.make_plain("")]
