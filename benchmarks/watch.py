"""Watching folders, beside plain watchdog: how late a file is in the ledger, and what waiting costs.

Latency: file closed to row committed, beyond the time that a file must be quiet, ours (`tonewright up`'s watcher
process) and a watchdog handler that writes a row per event. Idle: share of one core over a minute with 20,000 files,
ours and watchdog's PollingObserver that looks every second.
"""

from __future__ import annotations

import os
import platform
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SETTLE_SECONDS = 0.5
FILES = 60  # for the latency
KNOWN = 20_000  # for the idle minute
IDLE_SECONDS = 60.0


def handler(folder: str, database: str) -> None:
    """The peer of the first table: one row per closed file, as durable as ours."""
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    db = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE events (source TEXT)")

    class Row(FileSystemEventHandler):
        def on_closed(self, event: FileSystemEvent) -> None:
            db.execute("INSERT INTO events VALUES (?)", (event.src_path,))

    observer = Observer()
    observer.schedule(Row(), folder, recursive=True)
    observer.start()
    observer.join()


def poller(folder: str, mark: str) -> None:
    """The peer of the second table."""
    from watchdog.events import FileSystemEventHandler
    from watchdog.observers.polling import PollingObserver

    observer = PollingObserver(timeout=1)
    observer.schedule(FileSystemEventHandler(), folder, recursive=True)
    observer.start()
    Path(mark).touch()
    observer.join()


def blog(root: Path, watched: Path) -> subprocess.Popen[bytes]:
    """Ours: the watcher process of a blog that has `watched` as a folder of posts."""
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / "tonewright.toml").write_text(
        f"[blog]\nfolders = ['{watched}']\n[notes]\nsettle_seconds = {SETTLE_SECONDS}\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "tonewright", "up", "--role", "watchers", "--lifeline", "0"]
    env = {**os.environ, "TONEWRIGHT_STATE": str(root / "state")}
    return subprocess.Popen(command, cwd=root, env=env, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)


def rows(database: Path) -> set[str]:
    """The sources that have a row."""
    try:
        db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            return {source for (source,) in db.execute("SELECT source FROM events")}
        finally:
            db.close()
    except sqlite3.OperationalError:  # not made yet
        return set()


def until(what: Callable[[], bool]) -> None:
    """Wait for something to come true."""
    while not what():
        time.sleep(0.05)


def latencies(place: Path) -> dict[str, list[float]]:
    """Seconds per file for both, the files written in turn and at random moments."""
    folders = {"tonewright up": place / "ours", "watchdog handler": place / "theirs"}
    for folder in folders.values():
        folder.mkdir()
    database = {"tonewright up": place / "blog" / "state" / "ledger.db", "watchdog handler": place / "peer.db"}
    processes = [
        blog(place / "blog", folders["tonewright up"]),
        subprocess.Popen([sys.executable, __file__, "handler", folders["watchdog handler"], place / "peer.db"]),
    ]
    rng = random.Random(1)
    closed: dict[str, float] = {}
    seen: dict[str, float] = {}
    try:
        until(lambda: all(file.exists() for file in database.values()))
        time.sleep(2)
        following = time.monotonic()
        names = [folder / f"{number}.md" for number in range(FILES) for folder in folders.values()]
        while len(seen) < len(names):
            if len(closed) < len(names) and time.monotonic() >= following:
                name = names[len(closed)]
                name.write_text(f"---\ntitle: {name.stem}\n---\n\nThe kettle gave up for the {name.stem}th time.\n")
                closed[str(name)] = time.monotonic()
                following = time.monotonic() + rng.uniform(0.1, 0.6)
            for source in set().union(*map(rows, database.values())) - seen.keys():
                seen[source] = time.monotonic()
            time.sleep(0.002)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    settle = {"tonewright up": SETTLE_SECONDS, "watchdog handler": 0.0}
    return {
        who: [seen[name] - closed[name] - settle[who] for name in closed if Path(name).parent == folder]
        for who, folder in folders.items()
    }


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far (proc(5): fields 14 and 15 of `stat`)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(place: Path) -> dict[str, float]:
    """Share of a core, both at the same time on the same files."""
    watched = place / "known"
    for number in range(KNOWN):
        folder = watched / f"{number % 20}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.md").write_text(f"---\ntitle: {number}\n---\n\nThe kettle, {number} times.\n")
    ours = blog(place / "big", watched)
    theirs = subprocess.Popen([sys.executable, __file__, "poller", watched, place / "polling"])
    try:
        until(lambda: len(rows(place / "big" / "state" / "ledger.db")) >= KNOWN and (place / "polling").exists())
        time.sleep(3)
        processes = {"tonewright up": ours.pid, "watchdog PollingObserver(1)": theirs.pid}
        before = {who: cpu_seconds(pid) for who, pid in processes.items()}
        begun = time.monotonic()
        time.sleep(IDLE_SECONDS)
        spent = time.monotonic() - begun
        return {who: (cpu_seconds(pid) - before[who]) / spent for who, pid in processes.items()}
    finally:
        for process in (ours, theirs):
            process.kill()
            process.wait()


def main() -> int:
    """Exit code 1 when waiting costs more than a tenth of what polling costs."""
    with tempfile.TemporaryDirectory() as folder:
        late = latencies(Path(folder))
        share = idle(Path(folder))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"file closed to row committed, beyond the settle time, {FILES} files each:")
    for who, times in late.items():
        p99 = statistics.quantiles(times, n=100)[98]
        print(f"  {who:<28}p50 {statistics.median(times) * 1000:6.0f} ms   p99 {p99 * 1000:6.0f} ms")
    print(f"idle with {KNOWN} known files, {IDLE_SECONDS:.0f} s:")
    for who, used in share.items():
        print(f"  {who:<28}{used * 100:6.2f} % of a core")
    ours, theirs = share.values()
    print(f"waiting costs {ours / theirs:.2f} x what polling costs (promised: at most 0.10 x)")
    return 0 if ours <= theirs / 10 else 1


if __name__ == "__main__":
    roles = {"handler": handler, "poller": poller}
    if len(sys.argv) > 1:
        roles[sys.argv[1]](*sys.argv[2:])
    else:
        sys.exit(main())
