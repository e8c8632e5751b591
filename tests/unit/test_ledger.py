"""The ledger: equal events are one, leases fence, nothing is half done."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from tonewright.errors import TonewrightError
from tonewright.events import DONE, FAILED, PENDING, POST, SUPERSEDED, NewEvent
from tonewright.ledger import story
from tonewright.ledger.leases import (
    MAX_ATTEMPTS,
    MAX_DEATHS,
    LostLease,
    due,
    lease,
    release_dead,
    retry,
    supersede,
)
from tonewright.ledger.store import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger."""
    made = Ledger(tmp_path / "ledger.db")
    yield made
    made.close()


def event(name: str = "a", version: str = "1") -> NewEvent:
    return NewEvent(POST, name, version, {"path": name})


def state_of(ledger: Ledger, number: int) -> str:
    return ledger.read("SELECT state FROM events WHERE id = ?", (number,))[0][0]


def test_the_same_event_twice_is_one(ledger: Ledger) -> None:
    """A repeated notification adds nothing; another version of the same source does."""
    assert len(ledger.add([event(), event()])) == 1
    assert ledger.add([event()]) == []
    assert len(ledger.add([event(version="2")])) == 1


def test_only_one_worker_gets_it(ledger: Ledger) -> None:
    """While one holds an event, nobody else can take it."""
    (number,) = ledger.add([event()])
    assert lease(ledger, number, "one") is not None
    assert lease(ledger, number, "two") is None


def test_a_clock_that_was_set_back(ledger: Ledger) -> None:
    """What waits until tomorrow waits; what waits by a clock that has been set back since is due at once."""
    (number,) = ledger.add([event()])
    held = lease(ledger, number, "one")
    assert held is not None
    held.wait(86_400.0, "until tomorrow")
    assert due(ledger) == []
    with ledger.transaction() as tx:
        tx.execute("UPDATE events SET updated = updated + 3600, next_at = next_at + 3600")
    assert due(ledger) == [number]
    assert lease(ledger, number, "two") is not None


def test_many_threads_one_winner(ledger: Ledger) -> None:
    """Eight threads at once: one lease."""
    (number,) = ledger.add([event()])
    won: list[object] = []
    threads = [threading.Thread(target=lambda: won.append(lease(ledger, number, "x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([w for w in won if w]) == 1


def test_effects_and_end_state_are_one(ledger: Ledger) -> None:
    """An error while effects are written undoes both the effects and the end."""
    (number,) = ledger.add([event()])
    held = lease(ledger, number, "one")
    assert held
    with pytest.raises(RuntimeError), held.finish() as tx:
        tx.execute("INSERT INTO texts VALUES ('h', 'words')")
        raise RuntimeError
    assert ledger.read("SELECT * FROM texts") == []
    assert state_of(ledger, number) == "leased"
    with held.finish("fine") as tx:
        tx.execute("INSERT INTO texts VALUES ('h', 'words')")
    assert state_of(ledger, number) == DONE
    assert ledger.read("SELECT text FROM texts") == [("words",)]


def test_a_late_worker_is_fenced_off(ledger: Ledger) -> None:
    """Once another worker has taken over, the first one's effects are not written."""
    (number,) = ledger.add([event()])
    first = lease(ledger, number, "one")
    assert first
    assert release_dead(ledger, alive=set()) == [number]
    second = lease(ledger, number, "two")
    assert second
    with pytest.raises(LostLease), first.finish() as tx:
        tx.execute("INSERT INTO texts VALUES ('h', 'from the first')")
    with second.finish() as tx:
        tx.execute("INSERT INTO texts VALUES ('h', 'from the second')")
    assert ledger.read("SELECT text FROM texts") == [("from the second",)]
    with pytest.raises(LostLease):
        first.extend()


def test_errors_back_off_and_end_visibly(ledger: Ledger) -> None:
    """Each error waits longer; after the last, the event is failed with its reason, and retry revives it."""
    (number,) = ledger.add([event()])
    for attempt in range(1, MAX_ATTEMPTS + 1):
        with ledger.transaction() as tx:
            tx.execute("UPDATE events SET next_at = 0 WHERE id = ?", (number,))
        held = lease(ledger, number, "one")
        assert held
        state = held.fail("the kettle is cold")
        assert state == (FAILED if attempt == MAX_ATTEMPTS else PENDING)
        assert due(ledger) == []
    assert story.failed(ledger)[0].note == "the kettle is cold"
    with ledger.transaction() as tx:
        assert retry(tx, number)
    assert due(ledger) == [number]


def test_waiting_is_no_attempt(ledger: Ledger) -> None:
    """Giving an event back until later costs no attempt and shows what it waits for."""
    (number,) = ledger.add([event()])
    for _ in range(MAX_ATTEMPTS + 2):
        with ledger.transaction() as tx:
            tx.execute("UPDATE events SET next_at = 0 WHERE id = ?", (number,))
        held = lease(ledger, number, "one")
        assert held
        held.wait(3600, "for the laptop to wake up")
    assert state_of(ledger, number) == PENDING
    assert story.waiting(ledger)[0].note == "for the laptop to wake up"
    lines = story.story(ledger, story.find(ledger, str(number)))
    assert [line.note for line in lines].count("for the laptop to wake up") == 1


def test_an_event_that_kills_every_worker_is_given_up(ledger: Ledger) -> None:
    """A crash is not counted as an error, but not endlessly forgiven either."""
    (number,) = ledger.add([event()])
    for _ in range(MAX_DEATHS + 1):
        assert lease(ledger, number, "dies")
        release_dead(ledger, alive=set())
    assert state_of(ledger, number) == FAILED
    assert "tonewright retry" in story.failed(ledger)[0].note


def test_living_workers_keep_their_leases(ledger: Ledger) -> None:
    """Only the dead are robbed."""
    (number,) = ledger.add([event()])
    lease(ledger, number, "alive")
    assert release_dead(ledger, alive={"alive"}) == []
    assert state_of(ledger, number) == "leased"


def test_newer_versions_supersede_waiting_ones(ledger: Ledger) -> None:
    """An unfinished older version of the same source is superseded; a finished one stays done."""
    (done,) = ledger.add([event(version="0")])
    held = lease(ledger, done, "one")
    assert held
    held.end(DONE, "")
    (old,) = ledger.add([event(version="1")])
    (new,) = ledger.add([event(version="2")])
    with ledger.transaction() as tx:
        supersede(tx, POST, "a", newer=new)
    assert [state_of(ledger, n) for n in (done, old, new)] == [DONE, SUPERSEDED, PENDING]


def test_a_story_holds_causes_and_consequences(ledger: Ledger) -> None:
    """From any event of a chain, its ancestors and its own consequences are told, siblings are not."""
    (post,) = ledger.add([event()])
    (tag,) = ledger.add([NewEvent("tag", "a", "1", {})], parent=post)
    (pair,) = ledger.add([NewEvent("pair", "a", "1", {})], parent=post)
    assert {line.event for line in story.story(ledger, story.find(ledger, str(post)))} == {post, tag, pair}
    assert {line.event for line in story.story(ledger, story.find(ledger, str(tag)))} == {post, tag}


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    """A file from a newer tonewright is not guessed at; the message says what to do."""
    file = tmp_path / "ledger.db"
    Ledger(file).close()
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(TonewrightError, match=r"newer tonewright.*upgrade"):
        Ledger(file)


def test_the_file_is_private(tmp_path: Path) -> None:
    """Nobody else on the machine can read what the author wrote."""
    file = tmp_path / "ledger.db"
    Ledger(file).close()
    assert file.stat().st_mode & 0o077 == 0
