"""Which is you? Held-out passages in the words of two models and of their author, in an order that tells nothing."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import dataclass
from math import sqrt
from typing import Any

from tonewright.gate.systems import BASE, CHALLENGER, CHAMPION
from tonewright.ledger.store import Ledger
from tonewright.models import registry

AUTHOR = "author"
RIVALS = (CHAMPION, BASE)  # whoever of them answered sits beside the challenger
_Z = 1.96  # of the normal distribution, for 95 %


@dataclass(frozen=True)
class Question:
    """One held-out item. `texts` are (who wrote it, the text) in the order in which they are shown."""

    model: int
    item: str
    tone: str | None
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Tally:
    """Whose texts the author took for his own, of `questions` that the gate's report holds."""

    questions: int
    chosen: dict[str, int]  # {who wrote it: how often}

    @property
    def answered(self) -> int:
        """How many questions were answered."""
        return sum(self.chosen.values())

    @property
    def fooled(self) -> int:
        """How often the new model was taken for its author."""
        return self.chosen.get(CHALLENGER, 0)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of that share, by `wilson`."""
        return wilson(self.fooled, self.answered)

    def told(self) -> str:
        """In a sentence."""
        if not self.answered:
            return "nobody has been asked yet; `tonewright review --blind` asks"
        low, high = self.interval
        return (
            f"you took its words for yours in {self.fooled} of {self.answered} "
            f"({self.fooled / self.answered:.0%}, {low:.0%} to {high:.0%} at 95 %; a blind guess: 33%), "
            f"and knew your own in {self.chosen.get(AUTHOR, 0)}"
        )

    def as_record(self) -> dict[str, Any]:
        """What a program is told."""
        return {
            "questions": self.questions,
            "answered": self.answered,
            "chosen": self.chosen,
            "took_for_own": self.fooled,
            "interval": list(self.interval),
        }


def questions(model: registry.Model) -> list[Question]:
    """What can be asked about a model that the gate has judged, from the answers in its report.

    Items in which two of the three texts read the same are left out: there would be nothing to choose. The order of the
    texts follows from a hash, so that a page that is opened again looks the same.
    """
    found = []
    for item in model.report.get("items", []):
        answers = item["answers"]
        rival = next((name for name in RIVALS if name in answers), "")
        texts = [(AUTHOR, item["author"]), *((name, answers.get(name, "")) for name in (CHALLENGER, rival))]
        if len({" ".join(text.split()) for _, text in texts} - {""}) < len(texts):
            continue
        seed = hashlib.sha256(f"{model.run} {item['id']}".encode()).digest()
        random.Random(seed).shuffle(texts)  # noqa: S311 - an order, no secret
        found.append(Question(model.id, item["id"], item["tone"], tuple(texts)))
    return found


def choose(ledger: Ledger, question: Question, number: int) -> None:
    """The author takes text `number`, counted from 0, for his own; saved when this returns."""
    with ledger.transaction() as tx:
        tx.execute(
            "INSERT OR REPLACE INTO blind_choices VALUES (?, ?, ?, ?)",
            (question.model, question.item, question.texts[number][0], tx.now),
        )


def take_back(ledger: Ledger, question: Question) -> None:
    """As if it had not been asked."""
    with ledger.transaction() as tx:
        tx.execute("DELETE FROM blind_choices WHERE model = ? AND item = ?", (question.model, question.item))


def answered(ledger: Ledger, model: registry.Model) -> dict[str, str]:
    """{item: whose text was chosen}."""
    return dict(ledger.read("SELECT item, chosen FROM blind_choices WHERE model = ?", (model.id,)))


def tally(ledger: Ledger, model: registry.Model) -> Tally:
    """How the blind test of a model stands."""
    asked, chosen = {question.item for question in questions(model)}, answered(ledger, model)
    return Tally(len(asked), dict(Counter(who for item, who in chosen.items() if item in asked)))


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share (E. B. Wilson, 1927); 0 to 1 when nothing was tried."""
    if not trials:
        return 0.0, 1.0
    share, room = successes / trials, _Z * _Z / trials
    middle, half = share + room / 2, _Z * sqrt(share * (1 - share) / trials + room / (4 * trials))
    return max(0.0, (middle - half) / (1 + room)), min(1.0, (middle + half) / (1 + room))
