"""One sitting: which cards wait, which were answered or put aside, and what can be taken back."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tonewright.review.cards import Card, Gone
from tonewright.review.desk import Answer, Desk


@dataclass
class Deck:
    """The cards of one sitting, shared by all of its tabs: whoever uses it from several threads locks it."""

    waiting: list[int]
    skipped: list[int] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    elsewhere: int = 0  # decided by somebody else, or gone
    began: float = field(default_factory=time.monotonic)
    _past: list[Answer | int] = field(default_factory=list)  # answers and skipped keys, in order

    @property
    def total(self) -> int:
        """All cards, wherever they are now."""
        return len(self.waiting) + len(self.skipped) + self.done

    @property
    def done(self) -> int:
        """Cards that nobody needs to look at any more."""
        return len(self.answers) + self.elsewhere

    @property
    def minutes(self) -> int:
        """How long this sitting has taken."""
        return int((time.monotonic() - self.began) / 60)

    def top(self, desk: Desk) -> Card | None:
        """The next card that still needs an answer; None when none does."""
        while self.waiting:
            key = self.waiting[0]
            try:
                card = desk.card(key)
                if not card.decided:
                    return card
            except Gone:
                pass
            self.leave(key)
        return None

    def answered(self, answer: Answer) -> None:
        """A card has its answer."""
        if self._drop(answer.passage):
            self.answers.append(answer)
            self._past.append(answer)

    def skip(self, key: int) -> None:
        """Put a card aside."""
        if self._drop(key):
            self.skipped.append(key)
            self._past.append(key)

    def leave(self, key: int) -> None:
        """Somebody else has seen to it."""
        if self._drop(key):
            self.elsewhere += 1

    @property
    def last(self) -> Answer | int | None:
        """What `undo` would take back: an answer, the key of a skipped card, or None."""
        return self._past[-1] if self._past else None

    def undo(self) -> None:
        """Put the last card back on top."""
        last = self._past.pop()
        if isinstance(last, Answer):
            self.answers.remove(last)
            self.waiting.insert(0, last.passage)
        else:
            self.skipped.remove(last)
            self.waiting.insert(0, last)

    def again(self) -> None:
        """Take up what was put aside."""
        self.waiting, self.skipped = [*self.waiting, *self.skipped], []
        self._past = [step for step in self._past if isinstance(step, Answer)]

    def _drop(self, key: int) -> bool:
        """Take a card off its pile; False when it is on none. Another tab may have put it aside meanwhile."""
        for pile in (self.waiting, self.skipped):
            if key in pile:
                pile.remove(key)
                self._past = [step for step in self._past if step != key]
                return True
        return False
