"""All that was measured, with its intervals, and the difference of any two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp
from typing import Any

from tonewright.gate.checks import FEW
from tonewright.gate.evidence import Draws
from tonewright.gate.intervals import Estimate, Resamples, told_apart
from tonewright.gate.likeness import Manner
from tonewright.limits.cells import Cell
from tonewright.limits.measuring import Measured
from tonewright.limits.questions import Questions
from tonewright.tones.exemplars import shipped_exemplars


@dataclass(frozen=True)
class Quality:
    """One measure of what is written: its name among the counts, what it is called, and which way is better.

    `read` turns a figure, and `change` a difference, into what a person reads; `unit` follows the latter, as it is said
    of a rise and of a fall.
    """

    name: str
    called: str
    sign: int
    read: Callable[[float], str]
    change: Callable[[float], str]
    unit: tuple[str, str]
    scored: bool = False  # counted on all passages, not only on those that were answered


def _share(name: str, called: str, of: str) -> Quality:
    return Quality(name, called, 1, lambda v: f"{v:.0%}", lambda v: f"{100 * abs(v):.0f}", (f"points of {of}",) * 2)


QUALITIES = (
    Quality(
        "loss",
        "perplexity per word",
        -1,
        lambda nats: f"{exp(nats):.1f}",
        lambda nats: f"{100 * abs(exp(nats) - 1):.1f} %",
        ("more perplexity", "less perplexity"),
        scored=True,
    ),
    Quality(
        "likeness",
        "like you",
        1,
        lambda nats: f"{nats:.2f}".replace("-0.00", "0.00"),
        lambda nats: f"{abs(nats):.2f}",
        ("nats per word of likeness to you",) * 2,
    ),
    _share("tone", "heard in the tone", "the tone asked for"),
    _share("named", "tone named right", "tones named right"),
    _share("meaning", "meaning kept", "meaning"),
    _share("kept", "without faults", "answers without faults"),
)


@dataclass(frozen=True)
class Sheet:
    """Every cell with its measurement, in order; the author's own text; and what was asked."""

    rows: Sequence[tuple[Cell, Measured]]
    own: Measured
    questions: Questions

    @cached_property
    def draws(self) -> Draws:
        """The resamples that every interval and every difference is taken from."""
        return Draws.of(self.questions.items, self.questions.aloud, 0)

    @property
    def measured(self) -> list[tuple[Cell, Measured]]:
        """Those that did not fail."""
        return [(cell, found) for cell, found in self.rows if not found.failed]

    @cached_property
    def apart(self) -> Estimate:
        """How well likeness tells the author's held-out text from other people's; only then does it count."""
        manner = Manner(self.questions.taught)
        own, others = (
            [manner.likeness(text).per_word for text in texts]
            for texts in ((item.answer for item in self.questions.items), (e.text for e in shipped_exemplars()))
        )
        return told_apart(own, others)

    @property
    def enough(self) -> bool:
        """Whether there are passages enough to claim a difference."""
        return self.questions.aloud >= FEW

    def estimate(self, found: Measured, quality: Quality) -> Estimate | None:
        """The figure with its interval; None where nothing could be counted."""
        counted = found.counts.get(quality.name)
        return self._drawn(quality).estimate(counted) if counted and sum(counted.weights) else None

    def difference(self, new: Measured, old: Measured, quality: Quality) -> Estimate | None:
        """`new` minus `old` on the same passages in every draw; None where either counted nothing."""
        one, other = new.counts[quality.name], old.counts[quality.name]
        both = sum(one.weights) and sum(other.weights)
        return self._drawn(quality).difference(one, other) if both else None

    def surely(self, new: Measured, old: Measured, quality: Quality) -> int:
        """1 when `new` is better by more than chance, -1 when it is worse, 0 when nobody can tell."""
        counts = self.enough and (quality.name != "likeness" or self.apart.low > 0.5)
        found = self.difference(new, old, quality) if counts else None
        if found is None or found.low <= 0 <= found.high:
            return 0
        return quality.sign if found.value > 0 else -quality.sign

    def _drawn(self, quality: Quality) -> Resamples:
        return self.draws.scored if quality.scored else self.draws.aloud

    def as_record(self) -> dict[str, Any]:
        """As JSON can hold it; a figure as [value, low, high]."""
        return {
            "passages": self.questions.aloud,
            "scored": len(self.questions.items),
            "posts": self.questions.posts,
            "apart": self.apart,
            "own": self._figures(self.own),
            "cells": [self._cell(cell, found) for cell, found in self.rows],
        }

    def _cell(self, cell: Cell, found: Measured) -> dict[str, Any]:
        what = {
            "name": cell.name,
            "base": cell.base.name,
            "base_sha256": cell.base.sha256,
            "form": cell.form,
            "way": cell.way,
            "model": cell.model,
        }
        if found.failed:
            return {**what, "failed": found.failed}
        return {
            **what,
            **self._figures(found),
            "overlap_words": found.overlap,
            "tokens_per_second": found.pace,
            "first_token_seconds": found.first_token,
            "memory_bytes": found.memory,
            "disk_bytes": found.disk,
            "seconds": found.seconds,
            "load": found.load,
        }

    def _figures(self, found: Measured) -> dict[str, Estimate | None]:
        figures = {quality.name: self.estimate(found, quality) for quality in QUALITIES}
        loss = figures.pop("loss")
        return {"perplexity": Estimate(*map(exp, loss)) if loss else None, **figures}
