"""Known-item search in a real diary: tonewright's index beside BM25 alone, vectors alone, and the two fused by rank.

    python benchmarks/search.py DIARY.jsonl.gz     (or TONEWRIGHT_PEPYS; one {"date", "title", "body"} a line)

A query is made of 4 to 8 content words of one passage, drawn by a fixed seed. Then, with the chances that stand below,
a word becomes another one of the same meaning (from a short list that was written beforehand), gets a slip of the
keyboard, or another ending. It counts as found when that very passage is among the first ten.

The peers are those that the usual recipe has: BM25 by FTS5 with stems, all words joined by OR; one vector for each
passage, the mean of its words' vectors weighted by rarity, compared by cosine; reciprocal rank fusion with k = 60.
Word vectors are the same in all. The larger index holds the passages again and again, with a fifth of the words of each
copy exchanged for others of the diary.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import platform
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tonewright.gate.language import is_content
from tonewright.models.base import find_base
from tonewright.models.words import WordVectors, word_vectors
from tonewright.search.chunks import POST, Chunk
from tonewright.search.index import Index, words_of
from tonewright.search.query import Meaning, search, understand

QUERIES, SEED = 500, 2026
LARGE, QUERIES_OF_LARGE = 100_000, 100
TIMES = 3  # each query is put so often, and the fastest counts: the machine may be doing other things
SAME_MEANING, SLIP, ENDING = 0.6, 0.2, 0.35  # the first for words of the list; the others one after the other
LONGEST = 220  # words of a passage, as in the corpus
SYNONYMS = dict(
    pair.split("=")
    for pair in """
    dined=ate dinner=meal supper=meal coach=carriage wench=girl maid=servant physic=medicine vexed=annoyed
    merry=cheerful handsome=beautiful pretty=lovely church=chapel sermon=preaching parson=priest ship=boat ships=boats
    vessel=ship money=cash gold=coins house=home chamber=room garden=orchard street=road play=comedy theatre=playhouse
    viol=fiddle book=volume books=volumes letter=note letters=notes king=majesty queen=sovereign duke=prince
    lord=nobleman wife=spouse father=dad mother=mum brother=sibling doctor=physician sick=ill pain=ache
    plague=pestilence fire=blaze war=battle fight=battle enemy=foe dutch=hollanders office=bureau business=affairs
    morning=dawn evening=night walked=strolled talked=spoke talking=conversing discourse=conversation afraid=scared
    fear=dread angry=furious glad=pleased sorry=regretful weary=tired drunk=intoxicated wine=claret ale=beer tavern=inn
    cloth=fabric clothes=garments suit=outfit gown=dress hat=cap horse=mare dog=hound tailor=dressmaker
    barber=hairdresser bought=purchased paid=settled poor=needy rich=wealthy quarrel=argument kissed=embraced
    marriage=wedding child=baby buried=interred dead=deceased killed=slain soldiers=troops captain=commander
    parliament=commons accounts=bookkeeping great=large little=small cold=chilly rain=showers snow=frost
    """.split()  # noqa: SIM905
)

Searcher = Callable[[str], list[int]]


def passages(file: Path) -> list[Chunk]:
    """The diary's paragraphs; long ones in parts."""
    found: list[Chunk] = []
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            post = json.loads(line)
            path = f"_posts/{post['date']}-{number}.md"
            for paragraph in post["body"].split("\n\n"):
                words = paragraph.split()
                for at in range(0, len(words), LONGEST):
                    part = words[at : at + LONGEST]
                    if len(part) >= 8:
                        place = (path, 1, post["date"], post["title"], "", "")
                        found.append(Chunk(len(found) + 1, number, POST, *place, " ".join(part), ""))
    return found


def make_queries(chunks: list[Chunk]) -> list[tuple[str, int]]:
    """(query, the passage that it was cut from)."""
    rng, made = random.Random(SEED), []
    while len(made) < QUERIES:
        chunk = rng.choice(chunks)
        words = sorted({w for w in re.findall(r"[a-z]{4,}", chunk.text.lower()) if is_content(w)})
        if len(words) >= 12:
            picked = rng.sample(words, rng.randint(4, 8))
            made.append((" ".join(changed(word, rng) for word in picked), chunk.id))
    return made


def changed(word: str, rng: random.Random) -> str:
    """The word, or what somebody might type who remembers it badly."""
    if word in SYNONYMS and rng.random() < SAME_MEANING:
        return SYNONYMS[word]
    if rng.random() < SLIP:
        at = rng.randrange(1, len(word) - 1)
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        return rng.choice([word[:at] + word[at + 1 :], swapped, word[:at] + rng.choice("etaoinshr") + word[at + 1 :]])
    if rng.random() < ENDING:
        for ending, other in (("ing", "ed"), ("ed", "ing"), ("s", "")):
            if word.endswith(ending):
                return word[: -len(ending)] + other
        return word + rng.choice(["s", "ed", "ing"])
    return word


def noisy(chunks: list[Chunk], count: int) -> list[Chunk]:
    """`count` chunks: the given ones first, then copies with other words in them."""
    rng = random.Random(SEED)
    words = [word for chunk in chunks for word in chunk.text.split()]
    more = []
    for number in range(len(chunks) + 1, count + 1):
        copy = chunks[number % len(chunks)]
        text = " ".join(rng.choice(words) if rng.random() < 0.2 else word for word in copy.text.split())
        more.append(Chunk(number, number, POST, f"{copy.path}-{number}", *_place(copy), text, ""))
    return [*chunks, *more]


def _place(chunk: Chunk) -> tuple[int, str, str, str, str]:
    return chunk.line, chunk.written, chunk.title, chunk.headings, chunk.permalink


def bm25_alone(index: Index, limit: int) -> Searcher:
    """FTS5 as everybody uses it."""

    def ask(query: str) -> list[int]:
        asked = " OR ".join(f'"{word}"' for word in query.split())
        rows = index.db.execute(
            "SELECT rowid FROM search WHERE search MATCH ? ORDER BY rank LIMIT ?", (asked, limit)
        ).fetchall()
        return [int(row[0]) for row in rows]

    return ask


def vectors_alone(chunks: list[Chunk], vectors: WordVectors, limit: int) -> Searcher:
    """The cosine of mean word vectors, each word weighted by log(1 + N / n)."""
    listed = [[row for word in words_of(c.text) if (row := vectors.row_of(word)) is not None] for c in chunks]
    counts = np.zeros(len(vectors.words))
    for rows in listed:
        counts[list(set(rows))] += 1
    weights = np.log(1 + len(chunks) / (1 + counts)).astype(np.float32)

    def mean(rows: list[int]) -> np.ndarray:
        whole = weights[rows] @ vectors.vectors[rows] if rows else np.zeros(vectors.vectors.shape[1], np.float32)
        return np.asarray(whole / max(float(np.linalg.norm(whole)), 1e-9), np.float32)

    matrix = np.stack([mean(rows) for rows in listed])
    ids = np.array([c.id for c in chunks])

    def ask(query: str) -> list[int]:
        cosines = matrix @ mean([row for word in query.split() if (row := vectors.row_of(word)) is not None])
        best = np.argpartition(-cosines, limit)[:limit]
        return [int(n) for n in ids[best[np.argsort(-cosines[best])]]]

    return ask


def by_rank(*searchers: Searcher) -> Searcher:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009), k = 60."""

    def ask(query: str) -> list[int]:
        scores: dict[int, float] = {}
        for searcher in searchers:
            for rank, chunk in enumerate(searcher(query), 1):
                scores[chunk] = scores.get(chunk, 0.0) + 1 / (60 + rank)
        return sorted(scores, key=lambda chunk: -scores[chunk])[:10]

    return ask


def ours(index: Index, vectors: WordVectors | None) -> Searcher:
    """As `tonewright search` does it."""
    meaning = Meaning(vectors) if vectors else None
    return lambda query: [found.chunk.id for found in search(index, understand(index, meaning, query), 10)]


def measure(
    searchers: dict[str, Searcher], queries: list[tuple[str, int]]
) -> dict[str, tuple[float, float, list[float]]]:
    """{name: (recall@10, share of first places, sorted seconds)}; every query goes to all, one after the other."""
    hits = {name: [0, 0] for name in searchers}
    seconds: dict[str, list[float]] = {name: [] for name in searchers}
    for searcher in searchers.values():
        searcher(queries[0][0])
    for query, wanted in queries:
        fastest = dict.fromkeys(searchers, math.inf)
        found: dict[str, list[int]] = {}
        for _ in range(TIMES):
            for name, searcher in searchers.items():
                begun = time.perf_counter()
                found[name] = searcher(query)[:10]
                fastest[name] = min(fastest[name], time.perf_counter() - begun)
        for name in searchers:
            seconds[name].append(fastest[name])
            hits[name][0] += wanted in found[name]
            hits[name][1] += found[name][:1] == [wanted]
    return {n: (hits[n][0] / len(queries), hits[n][1] / len(queries), sorted(seconds[n])) for n in searchers}


def table(title: str, chunks: list[Chunk], queries: list[tuple[str, int]], vectors: WordVectors, file: Path) -> bool:
    """Index, ask, print; returns whether the promises hold."""
    with Index(file) as index:
        begun = time.perf_counter()
        with index.transaction():
            for chunk in chunks:
                index.replace(-chunk.id, [chunk])
        print(
            f"{title}, {len(chunks):,} passages, {len(queries)} queries; indexed in {time.perf_counter() - begun:.1f} s"
        )
        results = measure(
            {
                "BM25 alone": bm25_alone(index, 10),
                "vectors alone": vectors_alone(chunks, vectors, 10),
                "both, fused by rank": by_rank(bm25_alone(index, 100), vectors_alone(chunks, vectors, 100)),
                "tonewright, no model": ours(index, None),
                "tonewright": ours(index, vectors),
            },
            queries,
        )
    print(f"  {'':<22}{'recall@10':>10}{'first':>8}{'p50':>10}{'p95':>10}")
    for name, (recall, first, times) in results.items():
        p50, p95 = (1000 * times[math.ceil(share * len(times)) - 1] for share in (0.5, 0.95))
        print(f"  {name:<22}{recall:>10.3f}{first:>8.3f}{p50:>7.1f} ms{p95:>7.1f} ms")
    recall, _, times = results["tonewright"]
    better = all(recall > results[peer][0] for peer in ("BM25 alone", "vectors alone"))
    return better and times[math.ceil(0.95 * len(times)) - 1] <= 0.05


def main() -> int:
    """Exit code 1 when recall is not better than both peers', or p95 is above 50 ms."""
    diary = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TONEWRIGHT_PEPYS", "")
    if not Path(diary).is_file():
        print("give the diary's file, or set TONEWRIGHT_PEPYS")
        return 2
    chunks = passages(Path(diary))
    queries, vectors = make_queries(chunks), word_vectors(find_base("smollm2-135m").gguf)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}; queries such as “{queries[0][0]}”"
    )
    with tempfile.TemporaryDirectory() as folder:
        small = table("the diary", chunks, queries, vectors, Path(folder) / "small.db")
        large = table(
            "with noisy copies", noisy(chunks, LARGE), queries[:QUERIES_OF_LARGE], vectors, Path(folder) / "large.db"
        )
    print(f"better than BM25 alone and vectors alone, p95 within 50 ms: {small and large}")
    return 0 if small and large else 1


if __name__ == "__main__":
    sys.exit(main())
