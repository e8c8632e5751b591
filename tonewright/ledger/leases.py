"""Who works on which event: taking it, finishing it with its effects, giving it back."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tonewright.errors import TonewrightError
from tonewright.events import DONE, FAILED, LEASED, PENDING, REFUSED, SUPERSEDED, Event
from tonewright.ledger.store import Ledger, Transaction

LEASE_SECONDS = 300.0
MAX_ATTEMPTS = 5  # errors met before an event is given up, visibly
MAX_DEATHS = 20  # a worker killed from outside is not the event's fault, but one that kills every worker is
BACKOFF_SECONDS = (5.0, 30.0, 120.0, 600.0, 3600.0)

# What is not finished; SQLite takes the index `events_open` only where a query says it in the index's own words.
OPEN = "state IN ('pending', 'leased')"
COLUMNS = "id, key, kind, source, payload, state, attempts, deaths, next_at, note, parent, created, updated"


class LostLease(TonewrightError):
    """Another worker took over after our lease ran out; whatever we meant to write is not written."""


def as_event(row: tuple[Any, ...]) -> Event:
    """An `Event` from a row selected with `COLUMNS`."""
    values: list[Any] = list(row)
    values[4] = json.loads(values[4])
    return Event(*values)


@dataclass(frozen=True)
class Lease:
    """The right to work on one event until the lease runs out."""

    ledger: Ledger
    event: Event
    token: str

    @contextmanager
    def finish(self, note: str = "", state: str = DONE, seconds: float = 0.0) -> Iterator[Transaction]:
        """Write the event's effects and its end state in one transaction, or nothing at all.

        A `pending` event is due again `seconds` from now. Raises `LostLease` when somebody else holds the event.
        """
        with self.ledger.transaction() as tx:
            yield tx
            self._settle(tx, state, note, next_at=tx.now + seconds if seconds else 0.0)

    def end(self, state: str, note: str) -> None:
        """Finish without effects: `refused` or `superseded`, with the reason."""
        with self.finish(note, state):
            pass

    def wait(self, seconds: float, note: str) -> None:
        """Give the event back until later; this counts as no attempt. `note` says what it waits for."""
        with self.finish(note, PENDING, seconds):
            pass

    def fail(self, note: str, *, final: bool = False) -> str:
        """Count an error: back off, or give up when `final` or after `MAX_ATTEMPTS`. Returns the new state."""
        attempts = self.event.attempts + 1
        state = FAILED if final or attempts >= MAX_ATTEMPTS else PENDING
        import random  # only a failure pays for it; `status` starts without

        pause = BACKOFF_SECONDS[min(attempts, len(BACKOFF_SECONDS)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        with self.ledger.transaction() as tx:
            tx.execute("UPDATE events SET attempts = ? WHERE id = ?", (attempts, self.event.id))
            self._settle(tx, state, note, next_at=tx.now + pause)
        return state

    def extend(self) -> None:
        """Hold it for another `LEASE_SECONDS`. Raises `LostLease` when it is too late."""
        with self.ledger.transaction() as tx:
            held = tx.execute(
                "UPDATE events SET lease_until = ? WHERE id = ? AND lease_token = ? RETURNING id",
                (tx.now + LEASE_SECONDS, self.event.id, self.token),
            ).fetchone()
            if held is None:
                raise LostLease(f"event {self.event.id} was taken over by another worker")

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Extend the lease in the background for as long as the block lasts, however long the work takes."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(LEASE_SECONDS / 5):
                try:
                    self.extend()
                except LostLease:
                    return  # whoever works on it will be told when it wants to finish
                except TonewrightError:
                    continue  # a busy or full disk: there is time for four more tries

        beats = threading.Thread(target=beat, daemon=True)
        beats.start()
        try:
            yield
        finally:
            done.set()

    def _settle(self, tx: Transaction, state: str, note: str, next_at: float = 0.0) -> None:
        held = tx.execute(
            """UPDATE events SET state = ?, note = ?, next_at = ?, updated = ?,
                   lease_token = NULL, lease_owner = NULL, lease_until = NULL
               WHERE id = ? AND lease_token = ? RETURNING id""",
            (state, note, next_at, tx.now, self.event.id, self.token),
        ).fetchone()
        if held is None:
            raise LostLease(f"event {self.event.id} was taken over by another worker")
        # A run that is polled for hours would otherwise write the same line a thousand times.
        if state != PENDING or note != self.event.note:
            tx.tell(self.event.id, state, note)


def lease(ledger: Ledger, event: int, owner: str) -> Lease | None:
    """Take `event` if it is free and due; None when it is not."""
    token = os.urandom(16).hex()
    with ledger.transaction() as tx:
        row = tx.execute(
            f"""UPDATE events SET state = ?, lease_token = ?, lease_owner = ?, lease_until = ?, updated = ?,
                    deaths = deaths + (state = ?)
                WHERE id = ? AND ((state = ? AND (next_at <= ? OR updated > ?)) OR (state = ? AND lease_until < ?))
                RETURNING {COLUMNS}""",  # noqa: S608 - COLUMNS is a constant
            (
                LEASED,
                token,
                owner,
                tx.now + LEASE_SECONDS,
                tx.now,
                LEASED,
                event,
                PENDING,
                tx.now,
                tx.now,
                LEASED,
                tx.now,
            ),
        ).fetchone()
        if row is None:
            return None
        if row[7] > MAX_DEATHS:
            _give_up(tx, event)
            return None
    return Lease(ledger, as_event(row), token)


def release_dead(ledger: Ledger, alive: set[str]) -> list[int]:
    """Free what workers held that are not in `alive`; returns the events that can be rung again."""
    with ledger.transaction() as tx:
        held = tx.execute(
            f"SELECT id, lease_owner, deaths FROM events WHERE {OPEN} AND state = ?",  # noqa: S608 - a constant
            (LEASED,),
        ).fetchall()
        freed = []
        for event, owner, deaths in held:
            if owner in alive:
                continue
            tx.execute(
                """UPDATE events SET state = ?, deaths = deaths + 1, lease_token = NULL, lease_owner = NULL,
                       lease_until = NULL, next_at = 0, updated = ? WHERE id = ?""",
                (PENDING, tx.now, event),
            )
            tx.tell(event, PENDING, "its worker died; taken up again")
            if deaths + 1 > MAX_DEATHS:
                _give_up(tx, event)
            else:
                freed.append(event)
        return freed


def _give_up(tx: Transaction, event: int) -> None:
    note = f"{MAX_DEATHS} workers died while they held it: `tonewright retry {event}` tries once more"
    tx.execute(
        """UPDATE events SET state = ?, note = ?, lease_token = NULL, lease_owner = NULL, lease_until = NULL
           WHERE id = ?""",
        (FAILED, note, event),
    )
    tx.tell(event, FAILED, note)


def due(ledger: Ledger, limit: int = 500) -> list[int]:
    """Events that could be worked on now, oldest first.

    What was last changed in the future waits for a moment by a clock that has been set back since: it is due.
    """
    now = time.time()
    rows = ledger.read(
        f"""SELECT id FROM events
            WHERE {OPEN} AND ((state = ? AND (next_at <= ? OR updated > ?)) OR (state = ? AND lease_until < ?))
            ORDER BY +id LIMIT ?""",  # noqa: S608 - OPEN is a constant; the plus keeps SQLite from walking all ids
        (PENDING, now, now, LEASED, now, limit),
    )
    return [int(r[0]) for r in rows]


def retry(tx: Transaction, event: int) -> bool:
    """Make a failed, refused or waiting event pending again, with its counts cleared."""
    row = tx.execute(
        """UPDATE events SET state = ?, attempts = 0, deaths = 0, next_at = 0, updated = ?
           WHERE id = ? AND state IN (?, ?, ?) RETURNING id""",
        (PENDING, tx.now, event, FAILED, REFUSED, PENDING),
    ).fetchone()
    if row is not None:
        tx.tell(event, PENDING, "retried by hand")
    return row is not None


def supersede(tx: Transaction, kind: str, source: str, *, newer: int) -> None:
    """Earlier unfinished events of the same source have nothing left to say."""
    rows = tx.execute(
        """UPDATE events SET state = ?, note = ?, updated = ?,
               lease_token = NULL, lease_owner = NULL, lease_until = NULL
           WHERE kind = ? AND source = ? AND id < ? AND state IN (?, ?) RETURNING id""",
        (SUPERSEDED, f"event {newer} is newer", tx.now, kind, source, newer, PENDING, LEASED),
    ).fetchall()
    for (event,) in rows:
        tx.tell(event, SUPERSEDED, f"event {newer} is newer")
