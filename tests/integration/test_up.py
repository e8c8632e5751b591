"""`tonewright up`: a commit goes in at one end and comes out in the corpus; what dies is started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog, children, until

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."


@pytest.fixture(params=["sqlite", "redis"])
def queue(request: pytest.FixtureRequest) -> str:
    """Where the doorbells queue: the promises are the same."""
    return request.getfixturevalue("redis").url if request.param == "redis" else request.param


@pytest.fixture
def up(blog: Blog, tmp_path: Path, queue: str) -> Iterator[subprocess.Popen[str]]:
    """The whole tree, running; its words go to tmp_path/up.log."""
    blog.settings(f'queue = "{queue}"\n{QUIET}[watch]\nrescan_seconds = 3600\n')
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


def test_only_one_runs(blog: Blog, up: subprocess.Popen[str]) -> None:
    """A second `up` is refused with a sentence, and the first goes on."""
    second = blog.tonewright("up")
    assert second.code == 1
    assert "is running for this blog already" in second.err
    assert up.poll() is None


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly(blog: Blog, tmp_path: Path, up: subprocess.Popen[str], how: signal.Signals) -> None:
    """SIGTERM, and ^C to the whole group as a terminal sends it: code 0, no child, no lease and no complaint left."""
    left = children(up.pid)
    blog.post("second", WORDS.replace("kettle", "stove"))
    blog.commit()  # so that the workers may have something in hand
    for pid in (up.pid, *left) if how == signal.SIGINT else (up.pid,):
        os.kill(pid, how)
    assert up.wait(60) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in left)
    workspace = blog.workspace()
    assert workspace.ledger.read("SELECT count(*) FROM events WHERE state = 'leased'") == [(0,)]
    assert "Traceback" not in (tmp_path / "up.log").read_text()


def test_once_drains_and_ends(blog: Blog) -> None:
    """`up --once` needs no daemon: it scans, works everything off, and stops."""
    blog.settings()
    blog.post("first", WORDS)
    blog.commit()
    done = blog.tonewright("up", "--once")
    assert (done.code, documents(blog)) == (0, 1)
    assert "worked on" in done.err


def test_a_blog_with_modules_of_its_own(blog: Blog) -> None:
    """A `tasks.py` (Invoke's, Pelican's) and a `hooks` package in the blog do not get in the way of ours."""
    blog.settings()
    blog.write("tasks.py", "raise SystemExit('the wrong tasks')\n")
    blog.write("hooks/__init__.py", "raise SystemExit('the wrong hooks')\n")
    blog.post("first", WORDS)
    blog.commit()
    done = blog.tonewright("up", "--once")
    assert (done.code, documents(blog)) == (0, 1), done.err


@pytest.fixture
def watching(blog: Blog, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the watcher process alone, with a second between scans; `apart` goes before its command."""
    writing = json.dumps(str(tmp_path / "writing"))
    watched = QUIET.replace("[blog]", f"[blog]\nfolders = [{writing}]")
    blog.settings(watched + "[notes]\nsettle_seconds = 0.5\n[watch]\nrescan_seconds = 1\n")
    blog.commit("begin")
    started: list[subprocess.Popen[bytes]] = []

    def start(*apart: str) -> subprocess.Popen[bytes]:
        command = [*apart, sys.executable, "-m", "tonewright", "up", "--role", "watchers", "--lifeline", "0"]
        started.append(subprocess.Popen(command, cwd=blog.root, stdin=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def doctor(blog: Blog) -> dict[str, dict[str, object]]:
    """What `doctor` finds, by link."""
    findings = json.loads(blog.tonewright("doctor", "--json").out)["findings"]
    return {finding["link"]: finding for finding in findings}


def write_post(file: Path) -> None:
    file.write_text(f"---\ntitle: {file.stem}\n---\n\n{WORDS}\n")


def watches(pid: int) -> int:
    """How many inotify watches a process holds."""
    held = 0
    for descriptor in Path(f"/proc/{pid}/fdinfo").iterdir():
        held += descriptor.read_text().count("inotify wd:")
    return held


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_a_folder_that_appears_later_is_watched(blog: Blog, tmp_path: Path, watching: Callable[..., object]) -> None:
    """Not there at the start, made, taken away and made again: scanned each time, and watched once it is there."""
    process = watching()
    assert isinstance(process, subprocess.Popen)
    workspace = blog.workspace()

    def seen() -> int:
        return len(workspace.ledger.read("SELECT 1 FROM events WHERE json_extract(payload, '$.version') != ''"))

    remarks = workspace.state / "watching.json"
    until(remarks.exists)
    assert not doctor(blog)["posts folders"]["ok"]
    before = watches(process.pid)
    for number in (1, 2):
        (tmp_path / "writing").mkdir()
        write_post(tmp_path / "writing" / f"{number}.md")
        until(lambda n=number: seen() == n)  # type: ignore[misc]
        until(lambda: watches(process.pid) == before + 1)
        until(lambda: remarks.read_text() == "{}")
        shutil.move(tmp_path / "writing", tmp_path / f"away{number}")
        until(lambda: "is not there" in remarks.read_text())


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_a_system_without_watches_is_scanned(blog: Blog, tmp_path: Path, watching: Callable[..., object]) -> None:
    """Where the limit on watches is reached, files are found all the same, and `doctor` says so with the cure."""
    limited = ["unshare", "--user", "--map-root-user", "sh", "-c", 'echo 3 >/proc/sys/user/max_inotify_watches && "$@"']
    if shutil.which("unshare") is None or subprocess.run([*limited, "sh", "true"], check=False).returncode:
        pytest.skip("a limit for one process needs user name spaces")
    for number in range(9):
        (tmp_path / "writing" / f"{number}").mkdir(parents=True)
    watching(*limited, "sh")
    workspace = blog.workspace()
    write_post(tmp_path / "writing" / "8" / "one.md")
    until(lambda: workspace.ledger.read("SELECT count(*) FROM events WHERE kind = 'post'") == [(1,)])
    found = doctor(blog)["watches"]
    assert not found["ok"]
    assert "limit reached" in str(found["tells"])
    assert "max_user_watches" in str(found["cure"])


def test_once_takes_what_became_quiet_while_it_worked(blog: Blog, tmp_path: Path) -> None:
    """A file that settles while earlier events are worked on is not left for the next time."""
    writing = tmp_path / "writing"
    writing.mkdir()
    (writing / "lamp.md").write_text(f"---\ntitle: lamp\n---\n\n{WORDS}\n")
    watched = QUIET.replace("[blog]", f'[blog]\nfolders = ["{writing}"]')
    blog.settings(watched + "[notes]\nsettle_seconds = 0.05\n")
    for number in range(5):
        blog.post(f"post-{number}", f"{WORDS} Number {number}.")
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    assert json.loads(blog.tonewright("status", "--json").out)["events"]["post"]["done"] == 6
