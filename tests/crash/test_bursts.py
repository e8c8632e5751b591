"""Twenty thousand files at once: with the watchers stopped until the kernel drops events, and with nothing running."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog, Tell, until


def prepare(blog: Blog, writing: Path) -> None:
    """A blog with one watched folder, and so long between scans that only a doorbell can be the reason for one."""
    for i in range(10):
        (writing / f"{i}").mkdir(parents=True)
    watched = QUIET.replace("[blog]", f'[blog]\nfolders = ["{writing}"]')
    blog.settings(watched + "[notes]\nsettle_seconds = 1\n[watch]\nrescan_seconds = 3600\n")
    blog.commit("begin")


def burst(writing: Path, number: int) -> None:
    """Write `number` posts into ten folders, which are watched already: each file is several events."""
    for i in range(number):
        (writing / f"{i % 10}" / f"{i}.md").write_text(
            f"---\ntitle: {i}\n---\n\nThe kettle gave up for the {i}th time.\n"
        )


@contextmanager
def watchers(blog: Blog) -> Iterator[subprocess.Popen[bytes]]:
    """The real watcher process alone: what is proved is that the ledger has the events, not what becomes of them."""
    with (blog.root.parent / "watchers.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tonewright", "up", "--role", "watchers", "--lifeline", "0"],
            cwd=blog.root,
            stdin=subprocess.PIPE,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def announced(blog: Blog, writing: Path) -> Counter[str]:
    """{file: number of events}."""
    workspace = blog.workspace()
    rows = workspace.ledger.read("SELECT source FROM events WHERE kind = 'post'")
    workspace.ledger.close()
    return Counter(str(Path(source).relative_to(writing)) for (source,) in rows)


def missed_and_doubled(blog: Blog, writing: Path, number: int, seconds: float) -> tuple[int, int]:
    """Wait for every file, and then for what might come twice."""
    wanted = {f"{i % 10}/{i}.md" for i in range(number)}
    with suppress(AssertionError):  # what is missing is counted, and told
        until(lambda: wanted <= announced(blog, writing).keys(), seconds)
    time.sleep(2)
    counts = announced(blog, writing)
    return len(wanted - counts.keys()), sum(count > 1 for count in counts.values())


def stopped_watcher(blog: Blog, writing: Path, number: int, seconds: float) -> tuple[int, int]:
    """The burst comes while the watcher process is frozen, as in a suspended laptop."""
    prepare(blog, writing)
    (writing / "0" / "first.md").write_text("The first post shows that the folder is watched.\n")
    with watchers(blog) as process:
        until(lambda: len(announced(blog, writing)) == 1)
        process.send_signal(signal.SIGSTOP)
        burst(writing, number)
        process.send_signal(signal.SIGCONT)
        return missed_and_doubled(blog, writing, number, seconds)


def daemon_off(blog: Blog, writing: Path, number: int, seconds: float) -> tuple[int, int]:
    """The burst comes while nothing runs."""
    prepare(blog, writing)
    burst(writing, number)
    with watchers(blog):
        return missed_and_doubled(blog, writing, number, seconds)


CASES = pytest.mark.parametrize(
    ("case", "told"), [(stopped_watcher, "the watcher stopped"), (daemon_off, "the daemon off")]
)


@CASES
def test_a_few_hundred_files(blog: Blog, tmp_path: Path, case: Callable[..., tuple[int, int]], told: str) -> None:
    """Five hundred files in a burst: none is missed and none comes twice; `make proof` writes twenty thousand."""
    assert case(blog, tmp_path / "writing", 500, 30) == (0, 0)


@CASES
@pytest.mark.proof
@pytest.mark.timeout(300)
def test_twenty_thousand_files(
    blog: Blog, tmp_path: Path, case: Callable[..., tuple[int, int]], told: str, tell: Tell
) -> None:
    """More files than the kernel's queue holds: none is missed and none comes twice."""
    missed, doubled = case(blog, tmp_path / "writing", 20_000, 200)
    dropped = "overflowed" in (tmp_path / "watchers.log").read_text()  # watchdog 7 says so; 6 keeps quiet
    tell(
        f"20000 files in a burst with {told}{' and the kernel dropping events' * dropped}, "
        f"{missed} missed, {doubled} twice"
    )
    assert (missed, doubled) == (0, 0)
