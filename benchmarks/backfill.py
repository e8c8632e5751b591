"""Reading a long history for the first time: `tonewright scan` beside `git log --raw -p`, and the memory it takes.

    python benchmarks/backfill.py [diary.jsonl[.gz]]

Builds a blog of one dated entry per commit, from a file of JSON lines with `date` (2026-01-31) and `body`, else from
made-up text of a diary's length. Both commands read every version once; they take turns on the same repository.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

COMMITS = 2_533
ROUNDS = 5
PROMISED = 5.0  # times as long as git itself
SHARES = (0.25, 0.5, 1.0)  # of the history, for the memory
BIN = Path(sys.executable).parent
# The most that the scanning process and any process that it started held, as the kernel counts it.
MEASURED = """
import resource
from tonewright.cli.main import main
main(["scan"])
print(*(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""
UNIT = 2**20 if sys.platform == "darwin" else 2**10  # of `ru_maxrss` in a megabyte
WORDS = ("rose", "office", "dined", "home", "wife", "walked", "king", "ships", "money", "coach", "evening", "letter")


def diary(file: Path | None) -> list[tuple[str, str]]:
    """(date, text) of each entry, at most `COMMITS`."""
    if file is None:
        return list(made_up())
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return [(entry["date"], entry["body"]) for entry in entries][:COMMITS]


def made_up() -> Iterator[tuple[str, str]]:
    """Entries of one to five paragraphs of about 90 words."""
    rng = random.Random(1660)
    for day in range(COMMITS):
        paragraphs = [" ".join(rng.choices(WORDS, k=rng.randint(40, 140))) + "." for _ in range(rng.randint(1, 5))]
        yield (date(2019, 1, 1) + timedelta(days=day)).isoformat(), "\n\n".join(paragraphs)


def build(repository: Path, entries: list[tuple[str, str]]) -> None:
    """One commit per entry, written by `git fast-import`."""
    repository.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=repository, check=True)
    importer = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=repository, stdin=subprocess.PIPE)
    assert importer.stdin is not None
    with importer.stdin as stream:
        for number, (day, body) in enumerate(entries):
            text = f"---\ntitle: {day}\ndate: {day}\n---\n\n{body}\n".encode()
            who = f"committer Diarist <diarist@example.org> {1546300800 + number * 86400} +0000"
            stream.write(f"commit refs/heads/main\n{who}\ndata {len(day)}\n{day}\n".encode())
            stream.write(f"M 100644 inline _posts/{day}-{number}.md\ndata {len(text)}\n".encode() + text + b"\n")
    assert importer.wait() == 0
    (repository / "tonewright.toml").write_text("[blog]\n", encoding="utf-8")


def timed(command: list[str | Path], repository: Path, state: Path) -> tuple[float, str]:
    """(seconds, last line of output) of one run, whose output goes to a file that nobody reads but for that line."""
    with tempfile.TemporaryFile() as out:
        begun = time.perf_counter()
        env = {**os.environ, "TONEWRIGHT_STATE": str(state)}
        subprocess.run(command, cwd=repository, stdout=out, env=env, check=True)
        seconds = time.perf_counter() - begun
        out.seek(max(0, out.seek(0, os.SEEK_END) - 200))
        return seconds, out.read().decode(errors="replace").strip().splitlines()[-1]


def main() -> int:
    """One table; exit code 1 when the promise is broken."""
    entries = diary(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    scan: list[str | Path] = [BIN / "tonewright", "scan"]
    log: list[str | Path] = ["git", "log", "--raw", "-p"]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        memory = {}
        for share in SHARES:
            blog = place / f"blog-{share}"
            build(blog, entries[: round(len(entries) * share)])
            _, told = timed([sys.executable, "-c", MEASURED], blog, place / f"state-{share}")
            memory[share] = [int(word) / UNIT for word in told.split()]
        whole = place / f"blog-{SHARES[-1]}"
        pairs = [(timed(scan, whole, place / f"state-{n}"), timed(log, whole, place / "none")) for n in range(ROUNDS)]
    ours, theirs = (statistics.median(seconds for seconds, _ in column) for column in zip(*pairs))
    size = sum(len(body) for _, body in entries) / 1e6
    print(f"{platform.machine()}, {os.cpu_count()} cores, {len(entries)} commits, {size:.1f} MB, medians of {ROUNDS}")
    print(f"  git log --raw -p   {theirs:7.2f} s")
    print(f"  tonewright scan    {ours:7.2f} s  {ours / theirs:5.1f} x  {pairs[0][0][1]}")
    for share, (own, child) in memory.items():
        print(
            f"  memory at {share:4.0%} of the history: {own:.0f} MB, and {child:.0f} MB in the git that it reads from"
        )
    print(f"tonewright scan: {ours / theirs:.1f} x git log --raw -p (promised: at most {PROMISED:g} x)")
    return 0 if ours / theirs <= PROMISED else 1


if __name__ == "__main__":
    sys.exit(main())
