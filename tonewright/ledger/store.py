"""Opening the ledger file, and the transactions in which everything is written."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tonewright.errors import TryLater
from tonewright.events import PENDING, NewEvent
from tonewright.ledger.schema import migrate, roll_back

BUSY_SECONDS = 30.0


class Rows(Protocol):
    """What a statement gives back, of which a `sqlite3.Cursor` is one."""

    @property
    def rowcount(self) -> int:
        """Rows that the statement changed."""
        ...

    def __iter__(self) -> Iterator[Any]: ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        ...


class Connection(Protocol):
    """What a transaction runs on, of which a `sqlite3.Connection` is one."""

    def execute(self, sql: str, parameters: tuple[Any, ...], /) -> Rows:
        """Run one statement."""
        ...


class Transaction:
    """An open `BEGIN IMMEDIATE`: all of what is written through it happens, or nothing does."""

    def __init__(self, db: Connection, now: float) -> None:
        self._db = db
        self.now = now
        self.added: list[int] = []

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Rows:
        """Run one statement inside this transaction."""
        return self._db.execute(sql, tuple(parameters))

    def add(self, new: NewEvent, parent: int | None = None) -> int | None:
        """Record an event; returns its id, or None when the ledger has it already."""
        row = self.execute(
            """INSERT OR IGNORE INTO events(key, kind, source, payload, parent, created, updated)
               VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id""",
            (
                new.key,
                new.kind,
                new.source,
                json.dumps(new.payload, ensure_ascii=False, sort_keys=True),
                parent,
                self.now,
                self.now,
            ),
        ).fetchone()
        if row is None:
            return None
        event = int(row[0])
        self.tell(event, PENDING, "seen")
        self.added.append(event)
        return event

    def tell(self, event: int, state: str, note: str) -> None:
        """Add a line to the event's story."""
        self.execute("INSERT INTO history(event, at, state, note) VALUES (?, ?, ?, ?)", (event, self.now, state, note))


class Ledger:
    """The one authoritative file. Safe to use from several threads and processes at once.

    Every thread gets a connection of its own; WAL with synchronous=FULL means that a returned commit survives a
    power cut on an honest disk.
    """

    lent_to: str | None = None  # the lease owner whose lock is held for us elsewhere, on a ledger that is lent

    def __init__(self, file: Path) -> None:
        self.file = file
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        with self._in_words():
            self._connect()

    def _connect(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is not None:
            return db
        db = sqlite3.connect(
            self.file,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            self.file.chmod(0o600)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA secure_delete = ON")
            migrate(db, self.file)
        except BaseException:
            db.close()
            raise
        self._local.db = db
        with self._guard:
            self._connections.append(db)
        return db

    def close(self) -> None:
        """Close every thread's connection."""
        with self._guard:
            for db in self._connections:
                db.close()
            self._connections.clear()
        self._local = threading.local()

    def release(self) -> None:
        """Close this thread's connection; a thread that ends must not leave one behind."""
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is not None:
            with self._guard:
                self._connections.remove(db)
            self._local.db = None
            db.close()

    def read(self, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, outside any transaction."""
        with self._in_words():
            return self._connect().execute(sql, tuple(parameters)).fetchall()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """A full disk or a busy file as `TryLater`."""
        try:
            yield
        except sqlite3.OperationalError as e:
            raise _translated(e, self.file) from e

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything inside happens or nothing does. Raises `TryLater` when the disk is full or the file is busy."""
        with self._in_words():
            db = self._connect()
            try:
                db.execute("BEGIN IMMEDIATE")
                yield Transaction(db, time.time())
                db.execute("COMMIT")
            except BaseException:
                roll_back(db)
                raise

    def compact(self) -> None:
        """Write the file anew, so that no byte of what was deleted is left in it or in the log beside it.

        Raises `TryLater` while another process reads an older state.
        """
        with self._in_words():
            db = self._connect()
            db.execute("VACUUM")
            if db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise TryLater(f"{self.file} is being read", "run the same command again")

    def add(self, events: Iterable[NewEvent], parent: int | None = None) -> list[int]:
        """Record events in one transaction; returns the ids of those that were new."""
        with self.transaction() as tx:
            for event in events:
                tx.add(event, parent)
            return tx.added


def _translated(error: sqlite3.OperationalError, file: Path) -> Exception:
    text = str(error)
    if "disk is full" in text or "disk I/O error" in text:
        return TryLater(f"{file} could not be written ({text})", "free some space; nothing accepted was lost")
    if "unable to open" in text or "readonly" in text:
        return TryLater(
            f"{file} could not be opened for writing ({text})", "free some space, and see that you may write there"
        )
    if "locked" in text or "busy" in text:
        return TryLater(f"{file} stayed locked for {BUSY_SECONDS:.0f} s", "another tonewright is busy; try again")
    return error
