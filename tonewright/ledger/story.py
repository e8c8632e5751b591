"""What the ledger can tell a person: counts, what failed and why, what waits for what, one event's whole story."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tonewright.errors import UsageError
from tonewright.events import FAILED, NOTE, PAIR, POST, PROSODY, PUSH, REFUSED, REVISION, SUPERSEDED, TAG, Event
from tonewright.ledger.leases import COLUMNS, OPEN, as_event
from tonewright.ledger.store import Ledger

TOLD = "state IN ('failed', 'refused')"  # the words of the index `events_told`
MANY = 1000  # events that are looked at for one answer to a person


@dataclass(frozen=True)
class Line:
    """One line of a story: when (seconds since the epoch), which event, which state, why."""

    at: float
    event: int
    kind: str
    source: str
    state: str
    note: str


def counts(ledger: Ledger) -> dict[str, dict[str, int]]:
    """{kind: {state: number of events}}."""
    table: dict[str, dict[str, int]] = {}
    for kind, state, number in ledger.read("SELECT kind, state, count(*) FROM events GROUP BY kind, state"):
        table.setdefault(kind, {})[state] = number
    return table


def failed(ledger: Ledger, limit: int = MANY) -> list[Event]:
    """Events that were given up, newest first."""
    return _events(ledger, f"{TOLD} AND state = ? ORDER BY updated DESC, id DESC LIMIT ?", (FAILED, limit))


def left_out(ledger: Ledger, limit: int = MANY) -> list[Event]:
    """Events that were refused on purpose, newest first."""
    return _events(ledger, f"{TOLD} AND state = ? ORDER BY updated DESC, id DESC LIMIT ?", (REFUSED, limit))


def waiting(ledger: Ledger, limit: int = MANY) -> list[Event]:
    """Unfinished events that have something to say about what they wait for, soonest first."""
    return _events(ledger, f"{OPEN} AND note != '' ORDER BY next_at LIMIT ?", (limit,))


def recent(ledger: Ledger, limit: int = 20) -> list[Event]:
    """The events that changed last, newest first."""
    return _events(ledger, "1 ORDER BY updated DESC, id DESC LIMIT ?", (limit,))


def came_in(ledger: Ledger, limit: int) -> list[Event]:
    """The posts, notes, edits and pushes that were seen last, newest first; of older versions nothing is told."""
    return _events(
        ledger,
        "+kind IN (?, ?, ?, ?) AND state != ? ORDER BY id DESC LIMIT ?",  # the latest are among these: no index by kind
        (POST, NOTE, REVISION, PUSH, SUPERSEDED, limit),
    )


def alike(events: list[Event]) -> list[tuple[Event, int]]:
    """(the first, how many more) of all events of a kind that have the same to say."""
    groups: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        groups.setdefault((event.kind, event.note), []).append(event)
    return [(first, len(more)) for first, *more in groups.values()]


def unfinished(ledger: Ledger, kinds: tuple[str, ...] = ()) -> int:
    """How many events are still to be worked on now or are being worked on; waiting ones do not count."""
    clause = f"AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
    rows = ledger.read(
        f"SELECT count(*) FROM events WHERE {OPEN} AND (state = 'leased' OR next_at <= ?) {clause}",  # noqa: S608
        (time.time() + 1.0, *kinds),
    )
    return int(rows[0][0])


def find(ledger: Ledger, word: str) -> Event:
    """The event that `word` names: an id, the start of a key, or the latest whose source ends with it.

    Raises `UsageError` when there is none.
    """
    if word.isdigit():
        found = _events(ledger, "id = ?", (int(word),))
    else:
        found = (
            _events(ledger, "substr(key, 1, ?) = ? ORDER BY id DESC LIMIT 1", (len(word), word))
            if len(word) >= 8
            else []
        )
        # What came in goes before what followed from it: the story is the same, but it begins at the beginning.
        found = found or _events(
            ledger,
            "substr(source, -?) = ? ORDER BY kind IN (?, ?, ?), id DESC LIMIT 1",
            (len(word), word, TAG, PAIR, PROSODY),
        )
    if not found:
        raise UsageError(f"the ledger has no event {word!r}", "`tonewright log` lists the latest ones")
    return found[0]


def story(ledger: Ledger, event: Event) -> list[Line]:
    """The lines of `event`, of what it came from and of all that followed from it, in order of time."""
    rows = ledger.read(
        """WITH RECURSIVE up(id, parent) AS (
               SELECT id, parent FROM events WHERE id = ?
               UNION SELECT e.id, e.parent FROM events e JOIN up ON e.id = up.parent),
           down(id) AS (SELECT ? UNION SELECT e.id FROM events e JOIN down ON e.parent = down.id)
           SELECT h.at, e.id, e.kind, e.source, h.state, h.note FROM history h JOIN events e ON e.id = h.event
           WHERE e.id IN (SELECT id FROM up UNION SELECT id FROM down) ORDER BY h.at, h.id""",
        (event.id, event.id),
    )
    return [Line(*row) for row in rows]


def as_record(event: Event) -> dict[str, object]:
    """What a program is told of an event."""
    return {
        "event": event.id,
        "kind": event.kind,
        "source": event.source,
        "state": event.state,
        "attempts": event.attempts,
        "next_at": event.next_at,
        "note": event.note,
    }


def _events(ledger: Ledger, where: str, parameters: tuple[Any, ...]) -> list[Event]:
    return [as_event(r) for r in ledger.read(f"SELECT {COLUMNS} FROM events WHERE {where}", parameters)]  # noqa: S608
