"""What every combination is asked: the author's held-out passages, which none of the models was trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tonewright import prompts
from tonewright.config.schema import Config
from tonewright.corpus.rows import REWRITE, collect
from tonewright.corpus.snapshot import TRAIN_FILE
from tonewright.errors import NothingToDo
from tonewright.gate.checks import FEWEST
from tonewright.gate.judge import SCORED
from tonewright.gate.systems import Item
from tonewright.ledger.store import Ledger
from tonewright.prompts import Messages


@dataclass(frozen=True)
class Questions:
    """`items`, of which the first `aloud` are answered and all are scored; the author's training text is `taught`.

    `examples` (request, answer) may be shown to a base that was not trained.
    """

    items: list[Item]
    aloud: int
    taught: list[str]
    examples: list[tuple[Messages, str]]

    @property
    def posts(self) -> int:
        """How many posts the items are from."""
        return len({item.post for item in self.items})

    @cached_property
    def digest(self) -> str:
        """A hash of all of it: figures of different questions are not compared."""
        record = [[item.id for item in self.items], self.aloud, self.taught, self.examples]
        return hashlib.sha256(json.dumps(record, ensure_ascii=False).encode()).hexdigest()


def questions(ledger: Ledger, config: Config, trained_on: Iterable[str], aloud: int) -> Questions:
    """From the corpus as it is now, without posts in `trained_on` (paths). Raises `NothingToDo` with too few."""
    rows, seen = collect(ledger, config), frozenset(trained_on)
    train = [row for row in rows if not row.held_out]
    unseen = [row for row in rows if row.held_out and row.kind == REWRITE and row.source["path"] not in seen]
    if len(unseen) < FEWEST:
        told = f"{len(unseen)} held-out passages are too few to measure by, {FEWEST} are needed"
        raise NothingToDo(told, "write more, or raise training.held_out")
    unseen.sort(key=lambda row: row.id)  # a hash: the order does not know when a post was written
    asked = ((row.tone, row.source_text, row.request, row.answer) for row in train if row.kind == REWRITE)
    return Questions(
        [Item.of(row) for row in unseen[: max(FEWEST, SCORED * aloud)]],
        min(aloud, len(unseen)),
        [row.answer for row in train],
        prompts.examples(asked),
    )


def trained_on(job: Path) -> set[str]:
    """The paths of the posts that the run in the folder `job` was trained on; empty when that is not known any more."""
    file = job / TRAIN_FILE
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {json.loads(line)["source"]["path"] for line in lines}
