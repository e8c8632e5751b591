"""Megabytes of Markdown a second through the span finder and the splice, beside markdown-it-py parsing the same bytes.

The voice is an identity, so that nothing but finding, checking and putting back is measured. The text is the example
blog, or a diary named by TONEWRIGHT_PEPYS; the second table shows that awkward pages cost no more as they grow.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from tonewright.prompts import Messages
from tonewright.rewriting.rewrite import Manner, rewritten, splice

ROUNDS = 5
BLOG = Path(__file__).parents[1] / "examples" / "blog" / "_posts"
SIZES = (100_000, 200_000, 400_000)
AWKWARD = {
    "prose": "Nine words of prose stand here, and then some.\n\n",
    "unclosed Liquid": "{% if a %} stands before nine words of prose here.\n\n",
    "unclosed HTML": "<div>\n\n",
    "backticks": "` `` ``` ",
    "brackets": "[a](b [",
    "one line": "word ",
}


class Nats(NamedTuple):
    """A cost that nobody asks for."""

    nll: float = 0.0


class Echo:
    """Says what it was told."""

    def stream(self, messages: Messages, *, max_tokens: int, temperature: float = 0.0, seed: int = 0) -> Iterator[str]:
        """The text of the request."""
        yield messages[-1]["content"].partition("\n\n")[2]

    def score(self, messages: Messages, target: str) -> Nats:
        """Nothing."""
        return Nats()


def ours(text: str) -> None:
    """Find, ask, check, put back; the result has to be the text."""
    assert splice(text, rewritten(text, "post.md", Echo(), Manner())) == text


def peer() -> Callable[[str], object]:
    """markdown-it-py with CommonMark and tables."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").parse


def texts() -> tuple[str, list[str]]:
    """(what it is, the files): half as Jekyll posts, half as Hugo posts."""
    diary = os.environ.get("TONEWRIGHT_PEPYS")
    if not diary:
        return "the example blog, ten times", [p.read_text(encoding="utf-8") for p in sorted(BLOG.glob("*.md"))] * 10
    with gzip.open(diary, "rt", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines][::5]
    heads = ("---\ntitle: {}\n---\n\n", "+++\ntitle = {}\n+++\n\n")
    return "a fifth of the diary", [
        heads[number % 2].format(json.dumps(entry["title"])) + entry["body"] + "\n"
        for number, entry in enumerate(entries)
    ]


def seconds(work: Callable[[str], object], files: list[str]) -> float:
    """Wall time of all files."""
    begun = time.perf_counter()
    for text in files:
        work(text)
    return time.perf_counter() - begun


def main() -> int:
    """Interleaved rounds, medians; exit code 1 when a page of four times the size takes eight times as long."""
    what, files = texts()
    megabytes = sum(len(text.encode()) for text in files) / 1e6
    works = {"tonewright: find, check, splice": ours, "markdown-it-py: parse": peer()}
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            taken[name].append(seconds(work, files))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {ROUNDS} rounds, medians")
    print(f"{what}: {len(files)} files, {megabytes:.2f} MB")
    base = statistics.median(taken["markdown-it-py: parse"])
    for name, times in taken.items():
        middle = statistics.median(times)
        print(f"  {name:<34}{megabytes / middle:6.2f} MB/s  {base / middle:5.2f} x")
    print(f"  {'one page of':<34}" + "".join(f"{size // 1000:>8} kB" for size in SIZES) + "   growth")
    worst = 0.0
    for name, unit in AWKWARD.items():
        pages = [(unit * (size // len(unit) + 1))[:size] for size in SIZES]
        times = [min(seconds(ours, [page]) for _ in range(2)) for page in pages]
        worst = max(worst, times[-1] / times[0])
        print(f"  {name:<34}" + "".join(f"{t * 1000:>8.0f} ms" for t in times) + f"   {times[-1] / times[0]:.1f} x")
    print(f"four times the page: {worst:.1f} x the time at worst (promised: at most 8 x, so never quadratic)")
    return 0 if worst <= 8 else 1


if __name__ == "__main__":
    sys.exit(main())
