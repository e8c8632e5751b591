"""Asking the model for a tone with the shared beginning of the prompts evaluated once, against a plain call each.

Tokens evaluated and seconds per passage, interleaved, on the example blog. A plain call is one per answer: the whole
prompt with the answer behind it, from its first token. Another model: `python benchmarks/prefix.py MODEL.gguf`.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tonewright.models.base import SMOLLM2, find_base
from tonewright.models.choices import Choices
from tonewright.posts.passages import split_passages
from tonewright.posts.post import parse
from tonewright.tones.prompted import ToneScores
from tonewright.tones.vocabulary import Vocabulary

TONES = Vocabulary(("snark", "dry", "sincere", "playful", "wistful", "plain"))
POSTS = Path(__file__).parents[1] / "examples" / "blog" / "_posts"
PASSAGES = 2
PROMISED = 3.0  # times fewer tokens, at least


def plain_call(model: Choices, scores: ToneScores, text: str) -> np.ndarray:
    """The mean log-likelihoods, each answer with a prompt of its own that nothing is kept of."""
    row = []
    for tone in TONES.names:
        model.forget()
        row.append(float(model.score(scores.messages(text), [tone])[0]))
    return np.array(row)


def main() -> int:
    """Exit code 1 when fewer tokens are saved than promised, or the two ways do not agree."""
    base = find_base(sys.argv[1] if len(sys.argv) > 1 else SMOLLM2)
    file = sorted(POSTS.glob("*.md"))[0]
    texts = [p.text for p in split_passages(parse(file.read_bytes(), file.name), TONES)][:PASSAGES]
    times: dict[str, list[float]] = {"shared prefix": [], "plain call each": []}
    apart = 0.0
    with Choices(base.gguf) as choices, Choices(base.gguf) as model:
        scores = ToneScores(choices, TONES)
        scores.embed(["warm"])
        before = choices.evaluated
        for text in texts:
            begun = time.perf_counter()
            shared = scores.embed([text])[0]
            between = time.perf_counter()
            plain = plain_call(model, scores, text)
            times["shared prefix"].append(between - begun)
            times["plain call each"].append(time.perf_counter() - between)
            apart = max(apart, float(np.abs(shared - plain).max()))
        tokens = {"shared prefix": choices.evaluated - before, "plain call each": model.evaluated}
    print(f"{platform.machine()}, {os.cpu_count()} cores, {base.name}, {len(texts)} passages, {len(TONES.names)} tones")
    for name, seconds in times.items():
        print(f"  {name:<16}{tokens[name] / len(texts):8.0f} tokens  {statistics.median(seconds):7.2f} s per passage")
    ratio = tokens["plain call each"] / tokens["shared prefix"]
    faster = statistics.median(times["plain call each"]) / statistics.median(times["shared prefix"])
    print(f"  {ratio:.1f} x fewer tokens, {faster:.1f} x faster (promised: {PROMISED:.0f} x fewer tokens)")
    print(f"  log-likelihoods at most {apart:.2f} nats apart")
    return 0 if ratio >= PROMISED and apart < 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
