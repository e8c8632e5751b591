"""The planner's bytes beside real ones: what autograd keeps, what a process takes, and when it runs out."""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict, replace
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.conftest import Tell, until
from tests.integration.ml.conftest import TINY, Small
from tests.integration.ml.measure import blocks, kept, kept_by, model_of
from tonewright.process import run
from tonewright.training import memory, preference, trainer
from tonewright.training.fitting import goes_on
from tonewright.training.plan import second_stage
from tonewright.training.progress import Progress
from tonewright.training.recipe import Recipe
from tonewright.training.rows import Example, Pair
from tonewright.training.shape import Shape, shape_of

pytestmark = [pytest.mark.train, pytest.mark.timeout(300)]

LLAMA = Shape(3, 256, 704, 8, 4, 32, 4000, gated=True, tied=True)
SMALL = Shape(2, 64, 128, 4, 2, 16, 500, gated=True, tied=False)
PHI = Shape(3, 256, 1024, 8, 8, 32, 4000, gated=False, tied=False)
WIDE = Shape(6, 512, 1536, 8, 4, 64, 8000, gated=True, tied=True)
DEEP = Shape(12, 384, 1024, 6, 3, 64, 16000, gated=True, tied=True)


ROOM = 350 << 20  # bytes that it may still take: enough for the rest of the libraries, half of what a step needs

# Llama's layers are written out tensor by tensor; of Phi's, which have one norm for two branches, a little too much.
CASES = [("qlora", "float32", LLAMA, 0.01), ("ia3", "bfloat16", LLAMA, 0.01)]
MORE = [
    ("lora", "float32", LLAMA, 0.01), ("qlora", "bfloat16", LLAMA, 0.01), ("lora", "bfloat16", PHI, 0.06),
    ("dora", "float32", LLAMA, 0.01), ("dora", "bfloat16", LLAMA, 0.01), ("lora", "float32", PHI, 0.06),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "dtype", "shape", "tolerance"), [*CASES, *(pytest.param(*c, marks=pytest.mark.proof) for c in MORE)]
)
def test_what_autograd_keeps_is_what_the_formula_says(method: str, dtype: str, shape: Shape, tolerance: float) -> None:
    """Summed over the storages of one real forward pass over packed documents: within 1 %, Phi within 6 %."""
    recipe = Recipe(method=method, dtype=dtype, sequence_length=256)
    element = 4 if dtype == "float32" else 2
    said = memory.activations(shape, recipe, element) + 254 * 4 * shape.vocabulary  # the softmax; gradients come later
    assert kept(model_of(shape, recipe), blocks(shape, recipe, 1)) == pytest.approx(said, rel=tolerance)


@pytest.mark.proof
def test_a_pair_keeps_what_its_recipe_says(small: Small, tmp_path: Path) -> None:
    """One step of the second stage, with TRL's own loss: no more than the planner counts, logits aside, and nearly."""
    recipe = Recipe(dtype="float32", sequence_length=256, min_pairs=1, preference_epochs=1)
    ids = tuple(range(7, 263))
    pair = Pair(Example("p", ids, 100), Example("p", ids[:250], 100))
    stage = second_stage(recipe, [pair.length])
    assert stage is not None
    model = model_of(LLAMA, stage)
    found = kept_by(
        lambda: preference.train(model, [pair], stage, small.weights, tmp_path, lambda progress: None), model
    )
    assert 0.85 < found / memory.activations(LLAMA, stage, 4) <= 1


@pytest.mark.proof
@pytest.mark.parametrize("shape", [WIDE, DEEP], ids=["wide", "deep"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_process_takes_what_the_planner_says(shape: Shape, checkpointing: bool, tell: Tell) -> None:
    """Peak of a whole training process on the processor within 25 %: what glibc's heap loses between tensors varies."""
    recipe = Recipe(dtype="float32", sequence_length=512, max_steps=2, gradient_checkpointing=checkpointing)
    held = memory.held(shape, recipe, 4, cuda=False)
    dynamic = memory.HEAP * (held.activations + held.logits)
    said = memory.libraries(recipe) + held.weights + held.adapter + dynamic
    asked = json.dumps({"shape": asdict(shape), "recipe": asdict(recipe)})
    words = [sys.executable, "-m", "tests.integration.ml.measure", asked]
    peak = int(run(words, timeout=280).stdout.splitlines()[-1])
    tell(f"peak of a training process: planned {said / 1e6:.0f} MB, measured {peak / 1e6:.0f} MB")
    assert peak == pytest.approx(said, rel=0.25)


@pytest.mark.model
def test_a_shape_is_read_from_the_gguf(small: Small) -> None:
    """The numbers of SmolLM2's own config.json."""
    assert shape_of(small.base.gguf) == Shape(30, 576, 1536, 9, 3, 64, 49152, gated=True, tied=True)


def test_half_the_batch_goes_on_to_the_same_adapter(tmp_path: Path) -> None:
    """Cut after a checkpoint and taken up with half the batch, twice the accumulation and checkpointing."""
    import torch

    whole = Recipe(method="lora", dtype="float32", rank=4, sequence_length=64, batch=2, max_steps=4, checkpoint_steps=2)
    half = replace(whole, batch=1, accumulation=2, gradient_checkpointing=True)
    assert goes_on(whole, half)
    train = blocks(SMALL, whole, 8)

    def stop(progress: Progress) -> None:
        if progress.step == 3:
            raise InterruptedError

    expected, cut, taken_up = (model_of(SMALL, whole) for _ in range(3))
    trainer.train(expected, train, whole, tmp_path / "whole", lambda progress: None)
    with pytest.raises(InterruptedError):
        trainer.train(cut, train, whole, tmp_path / "cut", stop)
    trainer.train(taken_up, train, half, tmp_path / "cut", lambda progress: None)
    for (name, left), (_, right) in zip(expected.named_parameters(), taken_up.named_parameters()):
        assert torch.allclose(left, right, atol=1e-6), name


@pytest.mark.proof
@pytest.mark.model
def test_a_run_out_of_memory_goes_on_smaller(small: Small, tmp_path: Path) -> None:
    """A real failure to allocate: the process begins anew with half the batch, and then finishes, and says so.

    Its address space is limited once the model is loaded, and set free once it has stepped down, as if the author had
    closed a browser.
    """
    recipe = replace(TINY, method="lora", batch=2, sequence_length=256, max_steps=2, checkpoint_steps=1)
    folder = small.job(tmp_path / "run-1", recipe)
    with (tmp_path / "log").open("w") as log:
        child = Popen([sys.executable, "-m", "tonewright.training", str(folder)], stderr=log)
        try:
            until(lambda: told(folder / "progress.json").get("phase") == "measure", 240)
            status = Path(f"/proc/{child.pid}/status").read_text()
            size = int(status.split("VmSize:")[1].split()[0]) * 1024
            resource.prlimit(child.pid, resource.RLIMIT_AS, (size + ROOM, resource.RLIM_INFINITY))
            until(lambda: told(folder / "plan.json").get("changes") or child.poll() is not None, 240)
            resource.prlimit(child.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            assert child.wait(240) == 0, (folder / "error.txt").read_text()
        finally:
            child.kill()
    assert "out of memory: going on with batch 1 with 2 accumulated" in (tmp_path / "log").read_text()
    metrics = told(folder / "out" / "metrics.json")
    assert metrics["changes"] == ["batch 1 with 2 accumulated, after it ran out of memory"]
    assert metrics["steps"] == 2
    assert told(folder / "progress.json")["changes"] == metrics["changes"]
    assert not (folder / "plan.json").exists()


def told(file: Path) -> dict[str, Any]:
    """What a JSON file says; nothing before it is there."""
    return dict(json.loads(file.read_text())) if file.is_file() else {}
