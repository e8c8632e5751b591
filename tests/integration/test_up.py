"""`tonewright up`: a commit goes in at one end and comes out in the corpus; what dies is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."


def until(what: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


@pytest.fixture
def up(blog: Blog, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The whole tree, running; its words go to tmp_path/up.log."""
    blog.settings(QUIET + "[watch]\nrescan_seconds = 3600\n")
    blog.post("first", WORDS)
    blog.commit()
    assert blog.tonewright("init").code == 0
    with (tmp_path / "up.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tonewright", "up"],
            cwd=blog.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        until(lambda: documents(blog) == 1)
        yield process
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def documents(blog: Blog) -> int:
    workspace = blog.workspace()
    found = workspace.ledger.read("SELECT count(*) FROM documents WHERE live")[0][0]
    workspace.ledger.close()
    return int(found)


def test_the_hook_is_enough(blog: Blog, up: subprocess.Popen[str]) -> None:
    """With an hour between scans, a commit is in the corpus at once: the doorbell rang."""
    blog.post("second", WORDS.replace("kettle", "stove"))
    blog.commit()
    until(lambda: documents(blog) == 2)


def test_killed_children_are_replaced(blog: Blog, up: subprocess.Popen[str]) -> None:
    """Both processes killed with SIGKILL: the next commit is taken all the same."""
    for child in children(up.pid):
        os.kill(child, signal.SIGKILL)
    until(lambda: len(children(up.pid)) == 2)
    blog.post("second", WORDS.replace("kettle", "stove"))
    blog.commit()
    until(lambda: documents(blog) == 2)


def test_nothing_outlives_a_killed_parent(blog: Blog, up: subprocess.Popen[str]) -> None:
    """SIGKILL of the parent ends the children too, and `up` can be started again."""
    orphans = children(up.pid)
    assert len(orphans) == 2
    up.kill()
    up.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans))


def test_it_stops_cleanly_and_only_one_runs(blog: Blog, up: subprocess.Popen[str]) -> None:
    """A second `up` is refused with a sentence; SIGTERM ends the first with code 0 and no child left."""
    second = blog.tonewright("up")
    assert second.code == 1
    assert "is running for this blog already" in second.err
    left = children(up.pid)
    up.send_signal(signal.SIGTERM)
    assert up.wait(30) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in left)


def test_once_drains_and_ends(blog: Blog) -> None:
    """`up --once` needs no daemon: it scans, works everything off, and stops."""
    blog.settings()
    blog.post("first", WORDS)
    blog.commit()
    done = blog.tonewright("up", "--once")
    assert (done.code, documents(blog)) == (0, 1)
    assert "worked on" in done.err
