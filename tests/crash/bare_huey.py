"""The negative control: the same kind of work on Huey alone, with nothing beside it."""

from __future__ import annotations

import sqlite3
import sys
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


if __name__ == "__main__":
    # Huey names a task after its module, which must not be `__main__` on one side only.
    from tests.crash import bare_huey

    bare_huey.connect(Path(sys.argv[1])).create_consumer(
        workers=4, periodic=False, initial_delay=0.01, max_delay=0.05
    ).run()
