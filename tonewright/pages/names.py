"""What things are called on a page: notes by their file's name, days as in a letter, tones by their colour."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import PurePath

_COLOURS = 9
_DATED = re.compile(r"(\d{4}-\d\d-\d\d)[-_ ]+(.+)")


def of_note(path: str) -> tuple[str, str]:
    """(title, ISO date or "") from a recording's name, as recorders and people write it."""
    stem = PurePath(path).stem
    dated = _DATED.fullmatch(stem)
    title = re.sub(r"[-_]+", " ", dated[2] if dated else stem)
    return title[:1].upper() + title[1:], dated[1] if dated else ""


def day_in_words(written: str) -> str:
    """An ISO date as in a letter, "" for none."""
    try:
        day = date.fromisoformat(written[:10])
    except ValueError:
        return ""
    return f"{day.day} {day:%B %Y}"


def moment(at: float, now: float) -> str:
    """How far `at` is from `now`, both in seconds: `just now`, `4 min ago`, `in 2 h`."""
    away = abs(at - now)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if away >= size:
            return f"in {away / size:.0f} {unit}" if at > now else f"{away / size:.0f} {unit} ago"
    return "in a moment" if at > now else "just now"


def colours(tones: tuple[str, ...]) -> Callable[[str], int]:
    """Tone to the number of its colour; one that the vocabulary has lost gets the last."""
    return lambda tone: tones.index(tone) % _COLOURS if tone in tones else _COLOURS - 1
