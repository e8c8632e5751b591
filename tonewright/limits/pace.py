"""How long what is left will take, from what was measured before."""

from __future__ import annotations

from collections.abc import Iterable

from tonewright.limits.cells import Cell
from tonewright.limits.measuring import Measured


def seconds_left(todo: Iterable[Cell], aloud: int, known: Iterable[Measured]) -> float | None:
    """Seconds for `todo` with `aloud` answers each; None before anything was measured on this machine.

    A model reads its whole file for each token, so time goes with bytes and with answers.
    """
    done = [one for one in known if one.seconds and one.disk and not one.failed]
    work = sum(one.disk * one.items for one in done)
    if not work:
        return None
    return sum(cell.about_bytes for cell in todo) * aloud * sum(one.seconds for one in done) / work


def in_words(seconds: float) -> str:
    """A length of time as one would say it."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(1.0, seconds):.0f} s"
