"""The corpus as files for other tools: derived, whole at every instant, made again at will."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tonewright.corpus.rows import Row
from tonewright.ledger.store import Ledger


def write_lines(lines: Iterable[str], destination: Path) -> tuple[int, str]:
    """Write `lines` aside, flush them to the disk, then rename; returns (number of lines, sha256 of the file)."""
    aside = destination.with_name(f"{destination.name}.{os.getpid()}.part")
    digest, number = hashlib.sha256(), 0
    with aside.open("wb") as out:
        for line in lines:
            data = line.encode() + b"\n"
            digest.update(data)
            out.write(data)
            number += 1
        out.flush()
        os.fsync(out.fileno())
    aside.replace(destination)
    folder = os.open(destination.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # a rename is only durable once its folder is
    finally:
        os.close(folder)
    return number, digest.hexdigest()


def export(ledger: Ledger, rows: Iterable[Row], destination: Path) -> int:
    """Write the corpus as chat `messages` JSONL; returns the number of rows."""
    number, sha256 = write_lines((row.as_json() for row in rows), destination)
    with ledger.transaction() as tx:
        tx.execute(
            "INSERT OR REPLACE INTO exports VALUES (?, ?, ?, ?)",
            (str(destination), number, sha256, time.time()),
        )
    return number


def statistics(ledger: Ledger, rows: list[Row]) -> dict[str, Any]:
    """Counts for `tonewright corpus stats`."""
    train = [r for r in rows if not r.held_out]
    passages, words = ledger.read(
        "SELECT count(*), coalesce(sum(words), 0) FROM passages p JOIN documents d ON d.id = p.document WHERE d.live"
    )[0]
    return {
        "documents": dict(ledger.read("SELECT origin, count(*) FROM documents WHERE live GROUP BY origin")),
        "passages": passages,
        "words": words,
        "rows": {"train": len(train), "held-out": len(rows) - len(train)},
        "kinds": dict(Counter(r.kind for r in rows)),
        "tones": {
            by or "open": dict(Counter(r.tone or "open" for r in rows if r.tone_by == by))
            for by in ("hand", "machine", "")
        },
    }
