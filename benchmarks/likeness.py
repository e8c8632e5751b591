"""How well likeness tells an author from others, by how much of the author's it has read: a table per author.

python benchmarks/likeness.py [PEPYS.jsonl.gz]: the example blog beside the three writers of examples/tones.jsonl and,
with a file of entries (`body`), Samuel Pepys beside all of them. The peer is Burrows's Delta on the same features.
"""

from __future__ import annotations

import gzip
import json
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, pstdev

from tonewright.gate.intervals import told_apart
from tonewright.gate.language import words
from tonewright.gate.likeness import Manner, background, features, rates

ROOT = Path(__file__).resolve().parents[1]
SIZES = (250, 500, 1000, 2000, 4000, 8000)  # words read
PASSAGE = range(20, 91)  # words


def passages(text: str) -> list[str]:
    """Paragraphs of about the length that the gate asks for."""
    return [p for p in (" ".join(part.split()) for part in text.split("\n\n")) if len(words(p)) in PASSAGE]


def delta(taught: Sequence[str]) -> Callable[[str], float]:
    """Minus Burrows's Delta (2002) to the author: mean of |z(text) - z(author)|, z by the spread of own passages."""
    own = [rates(features(text)) for text in taught]
    names = list(background())
    mean = {n: fmean(r.get(n, 0.0) for r in own) for n in names}
    spread = {n: pstdev([r.get(n, 0.0) for r in own]) for n in names}
    used = [n for n in names if spread[n] > 0]

    def of(text: str) -> float:
        found = rates(features(text))
        return -fmean(abs(found.get(n, 0.0) - mean[n]) / spread[n] for n in used)

    return of


def first(texts: Sequence[str], size: int) -> list[str]:
    """The first texts with so many words between them."""
    found, said = [], 0
    for text in texts:
        if said >= size:
            break
        found.append(text)
        said += len(words(text))
    return found


def table(name: str, own: Sequence[str], others: Sequence[str]) -> None:
    """One author: the last quarter is asked about, the rest is read."""
    taught, asked = own[: 3 * len(own) // 4], own[3 * len(own) // 4 :][:200]
    print(f"\n{name}: {len(asked)} passages of his or hers against {len(others)} of others")
    print("| words read | area under ROC | 95 % | Burrows's Delta |\n|---:|---:|---:|---:|")
    there = sum(len(words(text)) for text in taught)
    for size in [s for s in SIZES if s <= there]:
        read = first(taught, size)
        manner = Manner(read)
        ours = told_apart(*([manner.likeness(t).per_word for t in group] for group in (asked, others)))
        peer = delta(read)
        theirs = told_apart(*([peer(t) for t in group] for group in (asked, others)))
        print(f"| {size} | {ours.value:.2f} | {ours.low:.2f} to {ours.high:.2f} | {theirs.value:.2f} |")


def main(argv: Sequence[str]) -> int:
    """The tables."""
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    posts = sorted((ROOT / "examples" / "blog" / "_posts").glob("*.md"))
    ines = [p for post in posts for p in passages(post.read_text("utf-8").partition("---\n")[2].partition("---\n")[2])]
    told = [json.loads(line) for line in (ROOT / "examples" / "tones.jsonl").read_text("utf-8").splitlines()]
    three = [row["text"] for row in told]
    table("the example blog", ines, three)
    if argv:
        with gzip.open(argv[0], "rt", encoding="utf-8") as file:
            pepys = [p for line in file for p in passages(json.loads(line)["body"])]
        table("Samuel Pepys", pepys, three + ines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
