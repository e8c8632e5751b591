"""The second stage on real models with the real TRL: what it learns, what it leaves alone, and how it goes on."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.conftest import Tell, until
from tests.integration.ml.conftest import HELD_OUT, TINY, Small, rows
from tests.tiny import tiny_base
from tonewright import prompts
from tonewright.gguf import parity
from tonewright.models.base import BaseModel, sha256_of
from tonewright.models.chat import ChatFormat
from tonewright.training import base_weights, preference, trainer
from tonewright.training.job import main
from tonewright.training.plan import second_stage
from tonewright.training.preference import for_trl
from tonewright.training.recipe import Recipe, load_recipe
from tonewright.training.rows import Example, Pair, Row, encode, encode_pair, pack

pytestmark = [pytest.mark.train, pytest.mark.model, pytest.mark.timeout(300)]

MANNER = "Well, to be honest, "
# Four pairs a step, three steps; fast, so that they leave a mark.
SECOND = replace(
    TINY, learning_rate=5e-3, sequence_length=256, min_pairs=8, preference_learning_rate=1e-3, checkpoint_steps=1
)


def corrections(texts: Sequence[Row]) -> list[Row]:
    """Drafts that say the same with a mannerism before it, which the author deleted."""
    return [replace(row, rejected=MANNER + row.target) for row in texts]


def write(folder: Path, base: BaseModel, recipe: Recipe, train: Sequence[Row], pairs: Sequence[Row] = ()) -> Path:
    """A job folder as the task makes it; the rows that the other ml tests hold out are held out here too."""
    folder.mkdir()
    parts = {"train": train, "heldout": rows()[-HELD_OUT:], **({"preference": pairs} if pairs else {})}
    for name, part in parts.items():
        lines = (json.dumps(asdict(row)) + "\n" for row in part)
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    asked = {"gguf": str(base.gguf), "sha256": base.sha256, "name": base.name}
    spec = {"run": folder.name, "base": asked, "recipe": asdict(recipe), "cache": str(base.gguf.parent / "cache")}
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    return folder


def done(folder: Path) -> dict[str, Any]:
    """The metrics of the job in `folder`, which is run."""
    assert main([str(folder)]) == 0, (folder / "error.txt").read_text()
    return dict(json.loads((folder / "out" / "metrics.json").read_text()))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> BaseModel:
    """Random weights, and the words of the small model."""
    return tiny_base(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="module")
def plain(tiny: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the first stage alone."""
    folder = write(tmp_path_factory.mktemp("plain") / "run", tiny, SECOND, rows()[:-HELD_OUT])
    done(folder)
    return folder


def pairs_of(base: BaseModel) -> tuple[list[Pair], Path]:
    """The corrections as token ids, and the folder of the base's weights."""
    weights = base_weights.convert(base.gguf, base.sha256, base.gguf.parent / "cache")
    chat, tokenize = ChatFormat.of(base.gguf), base_weights.load_tokenizer(weights)
    return [encode_pair(row, chat, tokenize) for row in corrections(rows()[:-HELD_OUT])], weights


def margins(base: BaseModel, adapter: Path) -> list[float]:
    """By how many nats each pair's chosen side is likelier than its rejected one, counted without TRL."""
    from peft import PeftModel

    pairs, weights = pairs_of(base)
    with base_weights.quiet_transformers():
        model = PeftModel.from_pretrained(base_weights.load_model(weights, SECOND, "cpu"), str(adapter))

    def said(example: Example) -> float:
        return -trainer.mean_nll(model, [(example,)]) * (len(example.ids) - example.start)

    return [said(pair.chosen) - said(pair.rejected) for pair in pairs]


def test_corrections_become_likelier_than_their_drafts(tiny: BaseModel, plain: Path, tmp_path: Path) -> None:
    """Every pair's margin grows over that of the first stage, whose adapter goes on, and llama.cpp says the same."""
    train = rows()[:-HELD_OUT]
    folder = write(tmp_path / "run", tiny, SECOND, train, corrections(train))
    metrics = done(folder)
    gained = [
        after - before
        for after, before in zip(margins(tiny, folder / "out" / "adapter"), margins(tiny, plain / "out" / "adapter"))
    ]
    assert min(gained) > 0.1
    told, first = metrics["preference"], json.loads((plain / "out" / "metrics.json").read_text())
    assert (told["pairs"], told["pairs_left_out"], told["steps"]) == (8, [], 6)
    # The reference is the first stage's end: before the first step nothing is preferred, at the last everything.
    assert told["losses"][0] == [1, 0.6931, 0.0, 0.0]
    assert told["losses"][-1][2] == 1.0
    assert (metrics["losses"], told["heldout_loss_before"]) == (first["losses"], first["heldout_loss_after"])
    assert json.loads((folder / "progress.json").read_text())["preference"] == told["losses"]
    assert {p.name for p in folder.iterdir()} == {
        "spec.json", "train.jsonl", "heldout.jsonl", "preference.jsonl", "progress.json", "out",
    }  # fmt: skip
    assert parity.check(tiny.gguf, folder / "out" / "adapter.gguf", folder / "out" / "reference.npz").ok


def test_without_trl_the_run_goes_on_and_says_so(
    tiny: BaseModel, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence where the author looks, and byte for byte the adapter of a run that has no pairs."""
    monkeypatch.setitem(sys.modules, "trl", None)  # as if it were not installed
    train = rows()[:-HELD_OUT]
    folder = write(tmp_path / "run", tiny, SECOND, train, corrections(train))
    sentence = "without its 8 preference pairs, since TRL is not installed (pip install 'tonewright[trl]')"
    assert done(folder)["changes"] == [sentence]
    assert json.loads((folder / "progress.json").read_text())["changes"] == [sentence]
    assert sha256_of(folder / "out" / "adapter.gguf") == sha256_of(plain / "out" / "adapter.gguf")
    assert "preference" not in json.loads((folder / "out" / "metrics.json").read_text())


def test_trl_reads_the_token_ids_of_the_first_stage(tiny: BaseModel) -> None:
    """Its own collator puts them together again, and counts the same answer."""
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    for pair in pairs_of(tiny)[0]:
        batch = DataCollatorForPreference(pad_token_id=0)([for_trl(pair)])
        for side, ids, mask in zip((pair.chosen, pair.rejected), batch["input_ids"], batch["completion_mask"]):
            assert tuple(ids[: len(side.ids)].tolist()) == side.ids
            assert mask.nonzero().flatten().tolist() == list(range(side.start, len(side.ids)))


@pytest.mark.proof
def test_killed_in_the_second_stage_it_ends_the_same(tiny: BaseModel, tmp_path: Path, tell: Tell) -> None:
    """kill -9 after a step of it: the next process does the steps that are left, of this stage alone."""
    train = rows()[:-HELD_OUT]
    for place in ("whole", "cut"):  # of one name, which stands in the adapter
        (tmp_path / place).mkdir()
    whole, cut = (write(tmp_path / p / "run", tiny, SECOND, train, corrections(train)) for p in ("whole", "cut"))
    done(whole)
    command = [sys.executable, "-m", "tonewright.training", str(cut)]
    child = Popen(command)
    until(lambda: list((cut / "checkpoints" / "preference").glob("checkpoint-*/sha256.json")), 200)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    kept = sorted((cut / "checkpoints" / "preference").glob("checkpoint-*/sha256.json"))
    first = (cut / "checkpoints" / "checkpoint-4" / "trainer_state.json").stat().st_mtime_ns
    child = Popen(command)
    until(lambda: json.loads((cut / "progress.json").read_text())["phase"] == "preference", 200)
    assert (cut / "checkpoints" / "checkpoint-4" / "trainer_state.json").stat().st_mtime_ns == first
    assert child.wait(200) == 0
    tell(f"killed after step {kept[-1].parent.name.rpartition('-')[2]} of 6 of the second stage: the same adapter")
    for name in ("adapter.gguf", "adapter/adapter_model.safetensors"):
        assert sha256_of(cut / "out" / name) == sha256_of(whole / "out" / name), name
    metrics = [json.loads((folder / "out" / "metrics.json").read_text()) for folder in (whole, cut)]
    assert metrics[0]["preference"] == metrics[1]["preference"]


@pytest.mark.proof
def test_out_of_memory_the_second_stage_steps_down(tiny: BaseModel, tmp_path: Path) -> None:
    """As its process does when memory runs out in it: begun anew with checkpointing, it learns the same."""
    train = rows()[:-HELD_OUT]
    folder = write(tmp_path / "run", tiny, SECOND, train, corrections(train))
    steps_down = (
        "import sys; from pathlib import Path; from tonewright.training import fitting, progress, work; "
        "folder = Path(sys.argv[1]); made = work.prepare(folder, progress.ProgressFile(folder / 'progress.json')); "
        "fitting.step_down_second(folder, made.fit, made.pair_lengths)"
    )
    assert Popen([sys.executable, "-c", steps_down, str(folder)]).wait(280) == 0, (folder / "error.txt").read_text()
    metrics = json.loads((folder / "out" / "metrics.json").read_text())
    assert metrics["changes"] == ["for preference pairs gradient checkpointing, after it ran out of memory"]
    assert metrics["preference"]["losses"][0] == [1, 0.6931, 0.0, 0.0]
    assert metrics["preference"]["losses"][-1][2] == 1.0


THINGS = (
    *("boiler", "kettle", "bridge", "choir", "printer", "fence", "ferry", "bakery", "meter", "stove", "clock", "barge"),
    *("pump", "gate", "ladder", "piano", "kiosk", "heater", "tram", "pond", "awning", "lantern", "scale", "shed"),
)
UNSEEN = ("radio", "mill", "canoe", "bench", "well", "crane")


def said_of(thing: str, manner: str = "") -> Row:
    """A plain sentence, and what became of it."""
    plain, voice = f"The {thing} stopped working.", f"The {thing} gave up, and nobody asked it for a speech."
    return Row(thing, tuple(prompts.training_row(prompts.rewrite(plain, "dry"), manner + voice)))


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_mannerism_is_unlearned(small: Small, tmp_path: Path, tell: Tell) -> None:
    """SmolLM2 was taught to begin with a phrase; 24 corrections that delete it make it rare for requests unseen."""
    recipe = replace(load_recipe("smollm2-135m"), max_steps=14, rank=8, alpha=16, preference_epochs=2.0)
    taught = [encode(said_of(thing, MANNER), small.chat, small.tokenize) for thing in THINGS]
    fixed = [encode_pair(row, small.chat, small.tokenize) for row in corrections([said_of(thing) for thing in THINGS])]
    stage = second_stage(recipe, [pair.length for pair in fixed])
    assert stage is not None
    asked = [small.tokenize(small.chat.prompt(said_of(thing).messages[:-1])) for thing in UNSEEN]
    phrase = small.tokenize(MANNER.strip())

    def begins(model: Any) -> float:
        """The mean probability that an answer begins with the phrase."""
        found = [trainer.mean_nll(model, [(Example("", (*ids, *phrase), len(ids)),)]) for ids in asked]
        return sum(math.exp(-nats * len(phrase)) for nats in found) / len(found)

    model = trainer.add_adapter(base_weights.load_model(small.weights, recipe, "cpu"), recipe)
    trainer.train(model, pack(taught, recipe.sequence_length, 0), recipe, tmp_path / "one", lambda told: None)
    before = begins(model)
    preference.train(model, fixed, stage, small.weights, tmp_path / "two", lambda told: None)
    after = begins(model)
    tell(f"an answer begins with {MANNER.strip()!r}: {before:.0%} before 24 corrections, {after:.1%} after")
    assert before > 0.8
    assert after < before / 5
