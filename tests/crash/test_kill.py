"""Killing anything at any moment: what was acknowledged is finished, once."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.consumer import drain
from tasks.workers import living
from tests.conftest import QUIET, Blog, Redis, Tell
from tests.crash.bare_huey import connect
from tests.crash.nursery import Nursery, Victim
from tonewright.ledger.leases import release_dead


@dataclass(frozen=True)
class Counts:
    """What a crash run came to; lost ones are not finished, or their words are not in the corpus exactly once."""

    events: int
    lost: int
    doubled: int
    runs: float  # how often an event was worked on, on average


def crash(blog: Blog, acknowledged: Path, kills: int, seed: int, between: Callable[[int], None]) -> None:
    """`kills` random kills, seven of ten of a worker, three of ten of the producer."""
    rng = random.Random(seed)
    with Nursery(acknowledged.with_name("nursery.log")) as nursery:
        workers = [Victim(nursery, "worker", str(blog.root)) for _ in range(2)]
        producer = Victim(nursery, "producer", str(blog.root), str(acknowledged))
        time.sleep(1.0)
        for number in range(kills):
            time.sleep(rng.uniform(0.01, 0.25))
            (rng.choice(workers) if rng.random() < 0.7 else producer).restart()
            between(number)


def settle(blog: Blog) -> None:
    """Start again after the last crash and work everything off."""
    blog.root.joinpath(".git/index.lock").unlink(missing_ok=True)
    workspace = blog.workspace()
    release_dead(workspace.ledger, living(workspace))
    drain(workspace)
    workspace.ledger.close()


def verdict(blog: Blog, acknowledged: Path) -> Counts:
    """Compare what was acknowledged with what the ledger and the corpus hold."""
    events = [int(line) for line in acknowledged.read_text().splitlines()]
    workspace = blog.workspace()
    state = dict(workspace.ledger.read("SELECT id, state FROM events"))
    stored = dict(workspace.ledger.read("SELECT event, count(*) FROM documents WHERE live GROUP BY event"))
    texts = dict(
        workspace.ledger.read(
            """SELECT t.text, count(*) FROM passages p JOIN documents d ON d.id = p.document AND d.live
               JOIN texts t ON t.hash = p.text_hash GROUP BY t.text"""
        )
    )
    lost = sum(state.get(e) != "done" or stored.get(e, 0) < 1 for e in events)
    doubled = sum(n > 1 for n in texts.values()) + sum(stored.get(e, 0) > 1 for e in events)
    assert workspace.ledger.read("SELECT count(*) FROM events WHERE state NOT IN ('done', 'superseded')") == [(0,)]
    # A run ends an event or dies; every death of a worker that held one is counted.
    ((runs,),) = workspace.ledger.read("SELECT 1.0 + avg(deaths) FROM events")
    workspace.ledger.close()
    return Counts(len(events), lost, doubled, runs)


def run(
    blog: Blog, tmp_path: Path, kills: int, seed: int, queue: str = "", between: Callable[[int], None] = lambda _: None
) -> Counts:
    """The whole experiment."""
    blog.settings(queue + QUIET)
    blog.write("_posts/.keep", "")
    blog.commit("begin")
    acknowledged = tmp_path / "acknowledged"
    acknowledged.touch()
    crash(blog, acknowledged, kills, seed, between)
    settle(blog)
    return verdict(blog, acknowledged)


def flushing(redis: Redis, every: int) -> Callable[[int], None]:
    """Lose all of Redis after every so many kills."""
    return lambda number: redis.forget() if number % every == every - 1 else None


def test_a_few_kills(blog: Blog, tmp_path: Path) -> None:
    """Thirty kills lose and double nothing; `make proof` runs a thousand."""
    counts = run(blog, tmp_path, kills=30, seed=1)
    assert counts.events > 0
    assert (counts.lost, counts.doubled) == (0, 0)


def test_a_few_kills_on_redis(blog: Blog, tmp_path: Path, redis: Redis) -> None:
    """The same with doorbells on Redis, which forgets everything five times."""
    counts = run(blog, tmp_path, 30, 2, f'queue = "{redis.url}"\n', flushing(redis, 6))
    assert counts.events > 0
    assert (counts.lost, counts.doubled) == (0, 0)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_thousand_kills(blog: Blog, tmp_path: Path, tell: Tell) -> None:
    """A thousand kills of workers and producers lose and double nothing, and hardly anything is done again."""
    counts = run(blog, tmp_path, kills=1000, seed=3)
    tell(f"1000 kills: {counts}")
    assert counts.events > 200
    assert (counts.lost, counts.doubled) == (0, 0)
    assert counts.runs <= 1.3


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_kills_and_a_forgetful_redis(blog: Blog, tmp_path: Path, redis: Redis, tell: Tell) -> None:
    """Three hundred kills and fifty times FLUSHALL cost nothing but time."""
    counts = run(blog, tmp_path, 300, 4, f'queue = "{redis.url}"\n', flushing(redis, 6))
    tell(f"Redis, 300 kills and 50 FLUSHALLs: {counts}")
    assert counts.events > 50
    assert (counts.lost, counts.doubled) == (0, 0)
    assert counts.runs <= 1.3


@pytest.mark.proof
@pytest.mark.timeout(300)
def test_bare_huey_loses_some(tmp_path: Path, tell: Tell) -> None:
    """The harness can tell loss from safety: Huey alone loses tasks under the same kills."""
    rng = random.Random(3)
    with sqlite3.connect(tmp_path / "rows.db") as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE rows (number INTEGER)")
    db.close()
    huey = connect(tmp_path)
    for number in range(1500):
        huey.work(number)
    kills = 0
    with Nursery(tmp_path / "nursery.log") as nursery:
        worker = Victim(nursery, "bare", str(tmp_path))
        while huey.storage.queue_size() and kills < 60:
            time.sleep(rng.uniform(0.1, 0.4))
            worker.restart()
            kills += 1
        deadline = time.monotonic() + 60
        while huey.storage.queue_size() and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1)
    with sqlite3.connect(tmp_path / "rows.db") as db:
        done = db.execute("SELECT count(DISTINCT number) FROM rows").fetchone()[0]
    db.close()
    huey.storage.close()
    tell(f"negative control, bare Huey: {kills} kills, {1500 - done} of 1500 tasks lost")
    assert 750 < done < 1500  # most of the work was done, so the loss is the kills' doing
