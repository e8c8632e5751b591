"""Killing anything at any moment: what was acknowledged is finished, once."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.consumer import drain
from tasks.workers import living
from tests.conftest import QUIET, REPOSITORY, Blog
from tests.crash.bare_huey import connect
from tonewright.ledger.leases import release_dead

HERE = Path(__file__).parent


class Victim:
    """A process that is killed with SIGKILL and started again."""

    def __init__(self, command: list[str], cwd: Path) -> None:
        self.command, self.cwd = command, cwd
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command,
            cwd=self.cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """Kill it without warning."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.process = self._start()


def crash(blog: Blog, acknowledged: Path, kills: int, seed: int) -> None:
    """`kills` random kills, seven of ten of the worker, three of ten of the producer."""
    rng = random.Random(seed)
    worker = Victim([sys.executable, "-m", "tonewright", "up", "--role", "tasks", "--lifeline", "0"], blog.root)
    producer = Victim([sys.executable, str(HERE / "producer.py"), str(blog.root), str(acknowledged)], blog.root)
    try:
        time.sleep(1.0)
        for _ in range(kills):
            time.sleep(rng.uniform(0.02, 0.7))
            (worker if rng.random() < 0.7 else producer).restart()
    finally:
        worker.kill()
        producer.kill()


def settle(blog: Blog) -> None:
    """Start again after the last crash and work everything off."""
    blog.root.joinpath(".git/index.lock").unlink(missing_ok=True)
    workspace = blog.workspace()
    release_dead(workspace.ledger, living(workspace))
    drain(workspace)
    workspace.ledger.close()


def verdict(blog: Blog, acknowledged: Path) -> tuple[int, int, int]:
    """(acknowledged, lost, doubled): lost ones are not finished, or their words are not in the corpus exactly once."""
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
    workspace.ledger.close()
    return len(events), lost, doubled


def run(blog: Blog, tmp_path: Path, kills: int, seed: int) -> tuple[int, int, int]:
    """The whole experiment."""
    blog.settings(QUIET)
    blog.write("_posts/.keep", "")
    blog.commit("begin")
    acknowledged = tmp_path / "acknowledged"
    acknowledged.touch()
    crash(blog, acknowledged, kills, seed)
    settle(blog)
    return verdict(blog, acknowledged)


def test_a_few_kills(blog: Blog, tmp_path: Path) -> None:
    """Ten kills lose and double nothing; `make proof` runs two hundred."""
    events, lost, doubled = run(blog, tmp_path, kills=10, seed=1)
    assert events > 0
    assert (lost, doubled) == (0, 0)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_two_hundred_kills(blog: Blog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two hundred kills of workers and producers lose and double nothing."""
    events, lost, doubled = run(blog, tmp_path, kills=200, seed=2)
    with capsys.disabled():
        print(f"\nproof: 200 kills, {events} acknowledged events, {lost} lost, {doubled} doubled")
    assert events > 50
    assert (lost, doubled) == (0, 0)


@pytest.mark.proof
@pytest.mark.timeout(300)
def test_bare_huey_loses_some(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The harness can tell loss from safety: Huey alone loses tasks under the same kills."""
    rng = random.Random(3)
    with sqlite3.connect(tmp_path / "rows.db") as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE rows (number INTEGER)")
    db.close()
    huey = connect(tmp_path)
    for number in range(1500):
        huey.work(number)
    worker = Victim([sys.executable, str(HERE / "bare_huey.py"), str(tmp_path)], REPOSITORY)
    kills = 0
    try:
        while huey.storage.queue_size() and kills < 60:
            time.sleep(rng.uniform(0.4, 0.9))
            worker.restart()
            kills += 1
        deadline = time.monotonic() + 60
        while huey.storage.queue_size() and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1)
    finally:
        worker.kill()
    with sqlite3.connect(tmp_path / "rows.db") as db:
        done = db.execute("SELECT count(DISTINCT number) FROM rows").fetchone()[0]
    db.close()
    huey.storage.close()
    with capsys.disabled():
        print(f"\nproof: negative control, bare Huey: {kills} kills, {1500 - done} of 1500 tasks lost")
    assert 750 < done < 1500  # most of the work was done, so the loss is the kills' doing
