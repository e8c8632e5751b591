"""Another machine thinks for a blog: bells from a real Redis, leases over a real SSH connection."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.queue import ring
from tasks.run import run_event
from tasks.sweeper import Sweeper
from tests.conftest import REPOSITORY, Blog, Redis, until
from tests.integration.remote.conftest import Sshd
from tonewright.workspace import Workspace

WORDS = "The kettle gave up on Tuesday, number {}, which is the day it usually picks, and I drink tea from a pan."
SETTINGS = 'queue = "{}"\n[tagger]\nuse = "none"\n[pairs]\nuse = "rules"\n[blog]\nauthors = []\n'


@pytest.fixture
def captured(blog: Blog, redis: Redis) -> Workspace:
    """A blog on Redis whose 30 posts are in the corpus, and whose tagging and pairing nobody has done."""
    blog.settings(SETTINGS.format(redis.url))
    for number in range(30):
        blog.post(f"kettle-{number}", WORDS.format(number))
    blog.commit()
    assert blog.tonewright("scan").code == 0
    workspace = blog.workspace()
    for (event,) in workspace.ledger.read("SELECT id FROM events WHERE kind = 'post'"):
        ring(workspace, run_event(workspace, event))
    return workspace


@contextmanager
def working(sshd: Sshd, blog: Blog, home: Path, state: Path) -> Iterator[subprocess.Popen[str]]:
    """`tonewright work` as on another machine: no configuration, no state, nothing but SSH and Redis."""
    key = sshd.folder.joinpath("host_key.pub").read_text().split()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {key[0]} {key[1]}\n")
    program = f"env PYTHONPATH={REPOSITORY} TONEWRIGHT_STATE={state} {sys.executable} -m tonewright"
    command = [sys.executable, "-m", "tonewright", "work", f"127.0.0.1:{blog.root}", "--port", str(sshd.port)]
    command += ["--identity", str(sshd.folder / "user_key"), "--program", program]
    env = {k: v for k, v in os.environ.items() if k != "TONEWRIGHT_STATE"}
    process = subprocess.Popen(command, cwd=home, env=env, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def open_events(workspace: Workspace) -> int:
    """Events that nobody has finished yet."""
    (row,) = workspace.ledger.read("SELECT count(*) FROM events WHERE state IN ('pending', 'leased')")
    return int(row[0])


def test_another_machine_does_the_thinking(sshd: Sshd, blog: Blog, home: Path, captured: Workspace) -> None:
    """It tags and pairs everything, each once, then ends cleanly and leaves nothing leased."""
    assert open_events(captured) == 60
    with working(sshd, blog, home, captured.state) as worker:
        until(lambda: open_events(captured) == 0)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
        assert worker.stderr is not None
        assert worker.stderr.read().startswith(f"working for {blog.root} on 127.0.0.1")
    assert captured.ledger.read("SELECT count(*), count(DISTINCT text_hash) FROM plain_versions") == [(30, 30)]
    assert captured.ledger.read("SELECT state, count(*) FROM events GROUP BY state") == [("done", 90)]


def test_a_cut_connection_loses_nothing(sshd: Sshd, blog: Blog, home: Path, redis: Redis, captured: Workspace) -> None:
    """Cut, killed and robbed of its queue in the middle of the work: the ledger's host rings what is left again."""
    with working(sshd, blog, home, captured.state) as worker:
        until(lambda: open_events(captured) < 55)
        sshd.cut()
        redis.forget()
        worker.kill()
    sweeper = Sweeper(captured)
    with working(sshd, blog, home, captured.state):
        until(lambda: sweeper.sweep() >= 0 and open_events(captured) == 0)
    assert captured.ledger.read("SELECT count(*), count(DISTINCT text_hash) FROM plain_versions") == [(30, 30)]
    assert captured.ledger.read("SELECT state, count(*) FROM events GROUP BY state") == [("done", 90)]


def test_what_cannot_work_says_so(sshd: Sshd, blog: Blog, home: Path, captured: Workspace) -> None:
    """A blog that is not there, and one whose doorbells are in a file, end at once with a sentence."""
    with working(sshd, Blog(blog.root.parent / "gone"), home, captured.state) as worker:
        assert worker.wait(30) == 1
        assert worker.stderr is not None
        assert "there is no tonewright.toml in" in worker.stderr.read()
    blog.settings(SETTINGS.format("sqlite"))
    with working(sshd, blog, home, captured.state) as worker:
        assert worker.wait(30) == 78
        assert worker.stderr is not None
        assert 'set queue = "redis://' in worker.stderr.read()
