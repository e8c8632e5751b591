"""How commands speak: JSON for programs, aligned lines for people, times as an author reads them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

SCHEMA_VERSION = 1
_LEVELS = "▁▂▃▄▅▆▇█"


def as_json(record: dict[str, Any]) -> None:
    """Print one JSON object, with the version of its form."""
    print(json.dumps({"schema_version": SCHEMA_VERSION, **record}, ensure_ascii=False, indent=2))


def table(rows: Iterable[Sequence[object]], indent: str = "  ") -> None:
    """Print rows with aligned columns; the last column may be as long as it likes."""
    lines = [[str(cell) for cell in row] for row in rows]
    if not lines:
        return
    widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(max(map(len, lines)))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line[:-1], widths)]
        print(indent + "  ".join([*cells, line[-1]]).rstrip())


def sparkline(values: Sequence[float | None], least_span: float = 0.0) -> str:
    """Values as a row of blocks, a gap for None; a span below `least_span` does not fill the height."""
    known = [v for v in values if v is not None]
    if not known:
        return " " * len(values)
    middle, span = (max(known) + min(known)) / 2, max(least_span, max(known) - min(known)) or 1.0
    steps = len(_LEVELS) - 1
    return "".join(" " if v is None else _LEVELS[round((0.5 + (v - middle) / span) * steps)] for v in values)


def clock(at: float) -> str:
    """A moment as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def away(at: float) -> str:
    """How far off a moment is: `in 4 min`, `now`."""
    seconds = at - time.time()
    if seconds <= 1:
        return "now"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"in {seconds / size:.0f} {unit}"
    return f"in {seconds:.0f} s"


def progress(text: str, *, last: bool = False) -> None:
    """A line on stderr that replaces itself on a terminal, and is left out elsewhere until the last one."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="\n" if last else "", file=sys.stderr, flush=True)
    elif last:
        print(text, file=sys.stderr, flush=True)
