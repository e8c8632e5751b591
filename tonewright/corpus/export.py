"""The corpus as files for other tools: derived, whole at every instant, made again at will."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tonewright.corpus.card import data_card
from tonewright.corpus.formats import FORMATS, MESSAGES
from tonewright.corpus.rows import Row
from tonewright.corpus.sift import Sifted
from tonewright.errors import NothingToDo, TonewrightError, TryLater
from tonewright.ledger.store import Ledger

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)  # time, or a little tidying, mends these


def write_lines(lines: Iterable[str], destination: Path) -> tuple[int, str]:
    """Write `lines` aside, flush them to the disk, then rename; returns (number of lines, sha256 of the file).

    Raises `TryLater` when the disk is full, and `TonewrightError` when the file cannot be written at all; what was
    there before stays as it was.
    """
    aside = destination.with_name(f"{destination.name}.part")
    try:
        folder = os.open(destination.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # one at a time, so what a killed one left aside is written over
            counted = _write_aside(lines, aside)
            aside.replace(destination)
            os.fsync(folder)  # a rename is only durable once its folder is
        finally:
            os.close(folder)
    except OSError as e:
        fault = f"{destination} could not be written ({e.strerror})"
        if e.errno in FULL:
            raise TryLater(fault, "free some space; what was there before is still whole") from e
        raise TonewrightError(fault, "choose a folder that is there and that you can write to") from e
    return counted


def _write_aside(lines: Iterable[str], aside: Path) -> tuple[int, str]:
    digest, number = hashlib.sha256(), 0
    try:
        with aside.open("wb") as out:
            for line in lines:
                data = line.encode() + b"\n"
                digest.update(data)
                out.write(data)
                number += 1
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        with suppress(OSError):
            aside.unlink(missing_ok=True)  # half a file would only keep the disk full
        raise
    return number, digest.hexdigest()


def export(
    ledger: Ledger, rows: list[Row], destination: Path, form: str = MESSAGES, left_out: dict[str, int] | None = None
) -> int:
    """Write the corpus in one of `FORMATS`, and its data card beside it; returns the number of lines.

    The ledger knows the file before it is there, and the one before it, so that a killed export is still known as ours.
    Raises `NothingToDo`, and writes nothing, when no row has that form.
    """
    lines = lines_of(rows, form)
    sha256 = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    with ledger.transaction() as tx:
        tx.execute(
            """INSERT INTO exports(name, lines, sha256, at, format) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (name) DO UPDATE SET lines = excluded.lines, sha256 = excluded.sha256, at = excluded.at,
                   format = excluded.format, was = CASE sha256 WHEN excluded.sha256 THEN was ELSE sha256 END""",
            (str(destination), len(lines), sha256, tx.now, form),
        )
    write_lines(lines, destination)
    card = data_card(rows, name=destination.name, form=form, lines=len(lines), sha256=sha256, left_out=left_out or {})
    write_lines(card.splitlines(), card_of(destination))
    return len(lines)


def lines_of(rows: list[Row], form: str) -> list[str]:
    """The rows in one of `FORMATS`. Raises `NothingToDo` when there are rows, and none of them has that form."""
    lines = list(FORMATS[form](rows))
    if rows and not lines:
        raise NothingToDo(
            f"no row can be written as {form}",
            "a pair needs a passage with a plain version and an edit, or a draft of the model's that you corrected",
        )
    return lines


def card_of(destination: Path) -> Path:
    """Where the data card of an export is."""
    return destination.with_name(f"{destination.name}.card.md")


def statistics(ledger: Ledger, sifted: Sifted) -> dict[str, Any]:
    """Counts for `tonewright corpus stats`."""
    rows = sifted.rows
    train = [r for r in rows if not r.held_out]
    passages, words = ledger.read(
        "SELECT count(*), coalesce(sum(words), 0) FROM passages p JOIN documents d ON d.id = p.document WHERE d.live"
    )[0]
    return {
        "documents": dict(ledger.read("SELECT origin, count(*) FROM documents WHERE live GROUP BY origin")),
        "passages": passages,
        "words": words,
        "rows": {"train": len(train), "held-out": len(rows) - len(train)},
        "left out": sifted.left_out,
        "kinds": dict(Counter(r.kind for r in rows)),
        "tones": {
            by or "open": dict(Counter(r.tone or "open" for r in rows if r.tone_by == by))
            for by in ("hand", "machine", "")
        },
    }
