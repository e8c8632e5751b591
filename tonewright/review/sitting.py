"""One sitting of the blind test: which question is next, and what can be taken back."""

from __future__ import annotations

from dataclasses import dataclass, field

from tonewright.review.blind import Question


@dataclass
class Sitting:
    """The questions of one sitting; whoever uses it from several threads locks it."""

    waiting: list[Question]
    answered: list[Question] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All of its questions."""
        return len(self.waiting) + len(self.answered)

    @property
    def top(self) -> Question | None:
        """The next one, None when all are answered."""
        return self.waiting[0] if self.waiting else None

    def later(self) -> None:
        """Put the next one behind all others."""
        self.waiting = [*self.waiting[1:], *self.waiting[:1]]

    def done(self) -> None:
        """The next one was answered."""
        self.answered.append(self.waiting.pop(0))

    def undo(self) -> Question | None:
        """Put the last answered one back on top; None when there is none."""
        if not self.answered:
            return None
        self.waiting.insert(0, self.answered.pop())
        return self.waiting[0]
