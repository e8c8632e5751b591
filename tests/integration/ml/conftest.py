"""The real small model, converted once, and a handful of rows in a voice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from tonewright import prompts
from tonewright.models.base import BaseModel, find_base
from tonewright.models.chat import ChatFormat
from tonewright.training import base_weights
from tonewright.training.job import main
from tonewright.training.recipe import Recipe
from tonewright.training.rows import Example, Row, encode

PASSAGES = (
    ("The boiler is broken.", "The boiler has retired, without notice and without a speech."),
    ("The train was 12 minutes late.", "The 7:42 came at 7:54, which for the 7:42 is a kind of hurry."),
    ("The committee did not decide.", "The committee met, ate the biscuits, and decided to decide in May."),
    ("It rained on market day.", "Market day brought rain, two stalls, and a dog that bought nothing."),
    ("The new printer works.", "The printer works. I am not going to look at it, in case it notices."),
    ("I cleaned the gutters.", "I cleaned the gutters and found a tennis ball, a toad, and my old opinion."),
    (
        "The bridge is closed.",
        "The bridge is closed until spring, says the sign, which does not say which one.",
    ),
    ("The choir sang.", "The choir sang for an hour; the third verse, as always, went its own way."),
    ("The shop sells bread again.", "There is bread again. It is last week's bread, but it is bread."),
    ("My neighbour moved the fence.", "The fence has moved 30 cm towards me, on its own, my neighbour says."),
)
HELD_OUT = 2

TINY = Recipe(name="tiny", dtype="float32", rank=4, alpha=8, sequence_length=128, max_steps=4, checkpoint_steps=2)
# Every layer learns, and fast, so that four steps leave a mark that parity can see.
LEARN = replace(TINY, name="learn", dtype="auto", learning_rate=5e-3, rank=8, alpha=32)


def rows() -> list[Row]:
    """Ten rewriting rows; the last `HELD_OUT` are for measuring."""
    made = [prompts.training_row(prompts.rewrite(plain, "dry"), voice) for plain, voice in PASSAGES]
    return [Row(f"p{i}", tuple(messages)) for i, messages in enumerate(made)]


@dataclass(frozen=True)
class Small:
    """SmolLM2 on both sides: the GGUF for llama.cpp and the converted copy for PyTorch."""

    base: BaseModel
    weights: Path
    cache: Path
    chat: ChatFormat
    tokenize: Callable[[str], list[int]]

    def examples(self) -> list[Example]:
        """The rows as token ids."""
        return [encode(row, self.chat, self.tokenize) for row in rows()]

    def job(self, folder: Path, recipe: Recipe) -> Path:
        """A job folder as the task makes it."""
        folder.mkdir()
        lines = [json.dumps({"id": r.id, "tone": "dry", "messages": r.messages}) + "\n" for r in rows()]
        (folder / "train.jsonl").write_text("".join(lines[:-HELD_OUT]), encoding="utf-8")
        (folder / "heldout.jsonl").write_text("".join(lines[-HELD_OUT:]), encoding="utf-8")
        base = {"gguf": str(self.base.gguf), "sha256": self.base.sha256, "name": self.base.name}
        spec = {"run": folder.name, "base": base, "recipe": asdict(recipe), "cache": str(self.cache)}
        (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        return folder


@pytest.fixture(scope="session")
def small(cache: Path) -> Small:
    """Converted on first use, half a minute of work for the whole session."""
    base = find_base("smollm2-135m")
    place = cache / "host" / "cache"  # where a job on this machine looks, so that the whole session converts once
    weights = base_weights.convert(base.gguf, base.sha256, place)
    return Small(base, weights, place, ChatFormat.of(base.gguf), base_weights.load_tokenizer(weights))


@pytest.fixture(scope="session")
def job(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job that has run."""
    folder = small.job(tmp_path_factory.mktemp("jobs") / "run-1", LEARN)
    assert main([str(folder)]) == 0, (folder / "error.txt").read_text()
    return folder


@pytest.fixture(autouse=True)
def _where_there_is_a_gpu(request: pytest.FixtureRequest) -> None:
    """Tests that are marked `gpu` say why they are skipped on any other machine."""
    if request.node.get_closest_marker("gpu") and not pytest.importorskip("torch").cuda.is_available():
        pytest.skip("there is no GPU here that CUDA can use")
