"""The author's answers: each is written to the blog's repository at once, and only about the words that were shown."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tonewright.corpus import tagging
from tonewright.review.cards import Card, load, same_words
from tonewright.tones.handbook import decision
from tonewright.workspace import Workspace


class Changed(Exception):
    """Since the card was shown, somebody decided on it, or edited it; `card` is how it is now."""

    def __init__(self, card: Card, seen: str) -> None:
        super().__init__(card.version)
        self.card = card
        self.edited = not same_words(card.version, seen)


@dataclass(frozen=True)
class Answer:
    """A decision that was written; `ids` of none when the tag said so already."""

    passage: int
    tone: str
    name: str  # of the post or note
    ids: tuple[str, ...]


class Desk:
    """Where decisions are written down; several threads and processes may sit at it.

    `folder` is where tags are kept; `read_again` makes the ledger agree with the files there, as the watcher would.
    """

    def __init__(self, workspace: Workspace, folder: Path, read_again: Callable[[], object]) -> None:
        self.workspace = workspace
        self._folder = folder
        self._read_again = read_again

    def card(self, passage: int) -> Card:
        """The passage as it is now, decisions made elsewhere included. Raises `Gone`."""
        self._read_again()
        return load(self.workspace, passage)

    def decide(self, passage: int, version: str, tone: str) -> Answer:
        """Give `tone` to the passage whose card was `version`.

        Raises `Changed` when it is another card by now, `Gone` when there is none, `BadInput` for an unknown tone.
        """
        self.workspace.vocabulary.check(tone, "the review page")
        with self._alone():
            card = self.card(passage)
            if card.version != version:
                raise Changed(card, version)
            decisions = tagging.tagging(self.workspace.ledger, card.text, [card.spot], tone)
            if decisions:
                _, decisions = tagging.write(self.workspace.ledger, self._folder, decisions)
                self._read_again()
        return Answer(passage, tone, card.text.name, tuple(d.id for d in decisions))

    def take_back(self, answer: Answer) -> None:
        """Undo exactly this answer; what stood there before it stands again."""
        if answer.ids:
            with self._alone():
                tagging.write(
                    self.workspace.ledger, self._folder, [decision(answer.name, removes=tuple(sorted(answer.ids)))]
                )
                self._read_again()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One decision at a time, so that two reviewers cannot both be the first."""
        with (self.workspace.folder() / "review.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
