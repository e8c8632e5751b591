"""How near a small model comes to one author, on text of real people: perplexity, manner, copying; tables and a plot.

`python benchmarks/voice.py PEPYS.jsonl[.gz] [ISARCASM.csv]`; `--docs` writes the plot to docs/.

PEPYS holds a diary of 1660 to 1666, one entry a line (`date`, `body`): SmolLM2-135M is trained on passages of the first
six years and asked for passages of 1666, from their gist and from the passage before. ISARCASM is `train.En.csv` of
iSarcasmEval (MIT, https://github.com/iabufarha/iSarcasmEval): its authors put their sarcastic tweets plainly as well,
and a fifth of these pairs, by hash, is held out. The peer is the same base with answered examples in its prompt.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.support import plots
from tonewright import prompts
from tonewright.corpus import snapshot
from tonewright.corpus.plain_rules import plain_by_rules
from tonewright.corpus.rows import REWRITE, Row, row_id
from tonewright.corpus.sift import CONTINUATION
from tonewright.gate.evidence import Draws, Examiner, Paper
from tonewright.gate.intervals import Estimate
from tonewright.gate.loss import Way, loss
from tonewright.gate.report import Measures
from tonewright.gate.systems import Item
from tonewright.models.base import BaseModel, find_base
from tonewright.models.embedder import Embedder
from tonewright.models.llama import LocalModel
from tonewright.posts.passages import split_passages
from tonewright.posts.post import parse
from tonewright.tones.vocabulary import Vocabulary
from tonewright.training.recipe import load_recipe
from tonewright.workspace import cache_folder

PLAIN, FEW_SHOT, TUNED = "base", "base with examples", "tuned"
WORDS = {"min_words": 20, "max_words": 80}  # of a passage: a row fits the recipe's 256 tokens
LAST_YEAR = "1666"
ROWS = {"gist": 180, "next": 90, "sarcasm": 240}  # trained on: a fifth of the budget
ASKED, ALOUD = 60, 16  # held-out passages that are scored, and answered
BUDGET, AIM = 40.0, 0.20  # processor minutes of the training; perplexity below that of the base with examples
TONES = Vocabulary(("sarcastic",))


class Subject(NamedTuple):
    """Rows of one kind, and what is asked about them."""

    name: str
    train: list[Row]
    held_out: list[Row]


def lot(text: str) -> str:
    """An order that knows nothing of the text: any number of first ones is a fair sample."""
    return hashlib.sha256(text.encode()).hexdigest()


def row(kind: str, request: prompts.Messages, asked: str, answer: str, path: str, *, held_out: bool) -> Row:
    """One example from `asked` to the author's `answer`."""
    return Row(row_id(kind, None, asked, answer), kind, None, "", request, answer, asked, held_out, {"path": path})


def diary(file: Path) -> list[Subject]:
    """From the gist of a passage to the passage, and from a passage to the next: 1666 is held out."""
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    gists, nexts = [], []
    for entry in entries:
        day, held_out = entry["date"], entry["date"].startswith(LAST_YEAR)
        post = parse(entry["body"].encode(), f"{day}.md")
        texts = [p.text for p in split_passages(post, TONES, **WORDS)]
        for text in texts:
            gist = plain_by_rules(text)
            if gist != text:
                gists.append(row(REWRITE, prompts.rewrite(gist, None), gist, text, day, held_out=held_out))
        for one, other in pairwise(texts):
            nexts.append(row(CONTINUATION, prompts.go_on(one, None), one, other, day, held_out=held_out))
    return [subject("from the gist", gists, ROWS["gist"]), subject("the next passage", nexts, ROWS["next"])]


def sarcasm(file: Path) -> Subject:
    """From the plain version of a tweet to the tweet, both by its author."""
    with file.open(encoding="utf-8", newline="") as lines:
        found = [r for r in csv.DictReader(lines) if r["sarcastic"] == "1" and r["rephrase"].strip()]
    rows = []
    for number, one in enumerate(found):
        plain, tweet = one["rephrase"].strip(), one["tweet"].strip()
        held_out = int(lot(tweet), 16) % 5 == 0
        request = prompts.rewrite(plain, "sarcastic")
        rows.append(row(REWRITE, request, plain, tweet, f"tweet {number}", held_out=held_out))
    return subject("sarcastic tweets", rows, ROWS["sarcasm"])


def subject(name: str, rows: list[Row], size: int) -> Subject:
    """`size` rows to train on and `ASKED` to ask about, drawn by lot."""
    drawn = sorted(rows, key=lambda r: lot(r.id))
    return Subject(name, [r for r in drawn if not r.held_out][:size], [r for r in drawn if r.held_out][:ASKED])


def train(base: BaseModel, rows: Sequence[Row], job: Path) -> tuple[Path, float]:
    """The adapter that tonewright's own job makes of `rows`, and its processor minutes."""
    job.mkdir()
    print(f"training on {sum(not r.held_out for r in rows)} rows", file=sys.stderr)
    few_held = [r for r in rows if r.held_out][:8]  # the job measures before and after; the tables are made here
    snapshot.write(snapshot.divided([*(r for r in rows if not r.held_out), *few_held], second=bool), job)
    recipe = replace(load_recipe("smollm2-135m"), checkpoint_steps=10_000)
    spec = {
        "run": "voice",
        "base": {"gguf": str(base.gguf), "sha256": base.sha256, "name": base.name, "weights": None},
        "recipe": asdict(recipe),
        "cache": str(cache_folder() / "host" / "cache"),
    }
    (job / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "tonewright.training", str(job)], cwd=Path(__file__).parents[1])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit((job / "error.txt").read_text(encoding="utf-8"))
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return job / "out" / "adapter.gguf", used / 60


def examine(base: BaseModel, adapter: Path, about: Subject) -> tuple[dict[str, Measures], Measures, Estimate]:
    """What each system did, what the author's own text comes to, and tuned minus examples in nats per word."""
    items = [Item.of(one) for one in about.held_out]
    aloud = min(ALOUD, len(items))
    shown = prompts.examples((r.tone, r.source_text, r.request, r.answer) for r in about.train)
    # One example of each tone is what the gate shows; here there is one tone, so the shortest three are shown.
    shortest = sorted((r for r in about.train if len(r.source_text.split()) >= 12), key=lambda r: len(r.source_text))
    shown += [(r.request, r.answer) for r in shortest[1 : prompts.EXAMPLES]]
    ways: dict[str, tuple[Path | None, Way]] = {
        PLAIN: (None, list),
        FEW_SHOT: (None, lambda request: prompts.few_shot(request, shown)),
        TUNED: (adapter, list),
    }
    papers = {}
    for name, (weights, way) in ways.items():
        print(f"{about.name}: asking the model ({name})", file=sys.stderr)
        with LocalModel(base.gguf, weights) as model:
            cost = loss(model, items, way)
            answers = [
                model.generate(way(i.request), max_tokens=min(120, prompts.room_for(i.source_text)))
                for i in items[:aloud]
            ]
        papers[name] = Paper(cost, [a.strip() for a in answers])
    draws = Draws.of(items, aloud, 1)
    with Embedder(base.gguf) as embedder:
        examiner = Examiner(items, aloud, [r.answer for r in about.train], embedder)
        found = {name: examiner.evidence(paper)[0].measured(draws) for name, paper in papers.items()}
        own = examiner.own()[0].measured(draws)
    return found, own, draws.scored.difference(papers[TUNED].loss, papers[FEW_SHOT].loss)


def told(figure: Estimate | None, write: Callable[[float], str] = "{:.2f}".format) -> str:
    """A figure with its interval."""
    return "-" if figure is None else f"{write(figure.value)} ({write(figure.low)} to {write(figure.high)})"


def perplexity(figure: Estimate) -> Estimate:
    """Per word, from nats per word."""
    return Estimate(*(math.exp(value) for value in figure))


def table(about: Subject, found: dict[str, Measures], own: Measures) -> None:
    """One subject's figures."""
    print(f"\n{about.name}: {len(about.train)} rows to learn from, {len(about.held_out)} held out")
    print("| | perplexity per word | like the author, nats per word | without faults | longest copy, words |")
    print("|---|---:|---:|---:|---:|")
    for name, m in {**found, "the author": own}.items():
        cost = told(perplexity(m.loss), "{:.1f}".format) if m.loss else "-"
        kept = told(m.kept, "{:.0%}".format) if about.held_out[0].kind == REWRITE else "-"  # what follows is free
        print(f"| {name} | {cost} | {told(m.likeness)} | {kept} | {m.overlap} |")


def main() -> int:
    """The tables; exit code 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pepys", nargs="?", type=Path, default=os.environ.get("PEPYS"))
    parser.add_argument("isarcasm", nargs="?", type=Path, default=os.environ.get("ISARCASM"))
    parser.add_argument("--docs", action="store_true", help="write the plot to docs/voice-perplexity.svg")
    parser.add_argument("--tiny", action="store_true", help="a twentieth of the rows: does it run?")
    args = parser.parse_args()
    if not args.pepys:
        print("skipped: no diary (give its file, or PEPYS)")
        return 0
    base = find_base("smollm2-135m")
    runs = {"Pepys": diary(Path(args.pepys)), "iSarcasm": [sarcasm(Path(args.isarcasm))] if args.isarcasm else []}
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {base.name}")
    drawn, missed = {}, 0
    with tempfile.TemporaryDirectory() as folder:
        for name, subjects in runs.items():
            if args.tiny:
                subjects = [Subject(s.name, s.train[: len(s.train) // 20], s.held_out[:5]) for s in subjects]
            if not subjects:
                continue
            rows = [r for s in subjects for r in (*s.train, *s.held_out)]
            adapter, minutes = train(base, rows, Path(folder) / name)
            print(f"\n{name}: trained in {minutes:.0f} processor minutes (at most {BUDGET:.0f})")
            missed += minutes > BUDGET
            for about in subjects:
                found, own, gain = examine(base, adapter, about)
                table(about, found, own)
                cheaper = Estimate(*(1 - math.exp(v) for v in (gain.value, gain.high, gain.low)))
                print(f"perplexity under that of the base with examples: {told(cheaper, '{:.0%}'.format)}")
                print(f"longest copies: {found[TUNED].overlap} words, the author's own held-out text {own.overlap}")
                missed += name == "Pepys" and (cheaper.value < AIM or found[TUNED].overlap > own.overlap)
                drawn[about.name] = {n: perplexity(m.loss) for n, m in found.items() if m.loss}
    if args.docs:
        file = Path(__file__).parents[1] / "docs" / "voice-perplexity.svg"
        plots.ranges(file, "Perplexity per word of held-out text, lower is better", drawn)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
