"""What a full ledger costs: one more event, what is due, and `status`, at a thousand and at a million events.

Appending is compared with a bare `INSERT` into SQLite and with Huey's SqliteHuey; all files are durable alike (WAL,
synchronous=FULL) and all take turns, so that whatever else the machine does hits all of them alike.
"""

from __future__ import annotations

import itertools
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from huey import SqliteHuey

from tonewright.events import POST, NewEvent
from tonewright.ledger import story
from tonewright.ledger.leases import due
from tonewright.ledger.store import Ledger

SMALL, LARGE = 1_000, 1_000_000
ROUNDS = 300
PROMISED = 1.5  # times longer at a million events than at a thousand

number = itertools.count()


def filled(file: Path, rows: int) -> Ledger:
    """A ledger in which `rows` events are done, but for the last hundred, which wait for tomorrow."""
    ledger = Ledger(file)
    with ledger.transaction() as tx:
        tx.execute(
            """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
               INSERT INTO events(key, kind, source, payload, state, next_at, note, created, updated)
               SELECT lower(hex(randomblob(32))), 'post', '_posts/2026-01-01-post-' || i || '.md',
                   '{"origin": "git", "commit": "' || lower(hex(randomblob(20))) || '"}',
                   iif(i > ?1 - 100, 'pending', 'done'), iif(i > ?1 - 100, ?2, 0), 'a note', i, i FROM n""",
            (rows, tx.now + 86400),
        )
        tx.execute("INSERT INTO history(event, at, state, note) SELECT id, created, 'pending', 'seen' FROM events")
    ledger.read("PRAGMA wal_checkpoint(TRUNCATE)")
    return ledger


def append(ledger: Ledger) -> Callable[[], object]:
    """One event that was never seen."""
    return lambda: ledger.add([NewEvent(POST, f"new-{next(number)}.md", "blob", {"origin": "git", "commit": "0" * 40})])


def bare_insert(file: Path) -> Callable[[], object]:
    """The least that SQLite can do for one durable row."""
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, payload TEXT)")
    return lambda: db.execute("INSERT INTO events(payload) VALUES (?)", (f"new-{next(number)}.md" * 8,))


def huey_enqueue(file: Path) -> Callable[[], object]:
    """One task in Huey's own SQLite queue, which keeps it until a worker takes it."""
    huey = SqliteHuey("bench", filename=str(file), results=False)

    @huey.task()
    def work(name: str) -> None:
        """Nothing; it is never run."""

    return lambda: work(f"new-{next(number)}.md")


def status(ledger: Ledger) -> Callable[[], object]:
    """What `tonewright status` asks of the ledger."""
    return lambda: (story.counts(ledger), story.waiting(ledger), story.failed(ledger), story.left_out(ledger))


def milliseconds(doings: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median of each, interleaved."""
    taken: dict[str, list[float]] = {name: [] for name in doings}
    for _ in range(rounds):
        for name, doing in doings.items():
            begun = time.perf_counter()
            doing()
            taken[name].append((time.perf_counter() - begun) * 1000)
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> int:
    """One table; exit code 1 when a promise is broken."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        small, large = filled(place / "small.db", SMALL), filled(place / "large.db", LARGE)
        appends = milliseconds(
            {
                f"append at {SMALL:,}": append(small),
                f"append at {LARGE:,}": append(large),
                "bare INSERT, WAL, FULL": bare_insert(place / "bare.db"),
                "SqliteHuey enqueue": huey_enqueue(place / "huey.db"),
            },
            ROUNDS,
        )
        asks = milliseconds(
            {
                f"due at {SMALL:,}": lambda: due(small),
                f"due at {LARGE:,}": lambda: due(large),
                f"status at {SMALL:,}": status(small),
                f"status at {LARGE:,}": status(large),
            },
            9,
        )
        small.close()
        large.close()
    print(f"{platform.machine()}, {os.cpu_count()} cores, SQLite {sqlite3.sqlite_version}, medians")
    for name, middle in {**appends, **asks}.items():
        print(f"  {name:<24}{middle:9.3f} ms")
    ratio = appends[f"append at {LARGE:,}"] / appends[f"append at {SMALL:,}"]
    peer = appends[f"append at {LARGE:,}"] / appends["SqliteHuey enqueue"]
    print(
        f"one event more: {ratio:.2f} x at {LARGE:,} events (promised: at most {PROMISED} x); {peer:.2f} x SqliteHuey"
    )
    return 0 if ratio <= PROMISED else 1


if __name__ == "__main__":
    sys.exit(main())
