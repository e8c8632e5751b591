"""The negative control: the same kind of work on Huey alone, with nothing beside it."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from huey import SqliteHuey


def connect(folder: Path) -> SqliteHuey:
    """A queue whose one task writes a row after some work."""
    huey = SqliteHuey("bare", filename=str(folder / "bare.db"), results=False, timeout=30)

    @huey.task(name="work", retries=3)
    def work(number: int) -> None:
        time.sleep(0.01)
        with sqlite3.connect(folder / "rows.db", timeout=30) as db:
            db.execute("INSERT INTO rows VALUES (?)", (number,))

    huey.work = work
    return huey
