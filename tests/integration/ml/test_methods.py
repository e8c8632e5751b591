"""The methods that GGUF cannot carry train all the same, and PEFT alone takes them from there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import NO_MODEL, Blog
from tests.integration.ml.conftest import TINY, Small
from tests.integration.ml.measure import blocks, config
from tonewright.training import base_weights, trainer
from tonewright.training.job import main
from tonewright.training.recipe import Recipe
from tonewright.training.rows import collate
from tonewright.training.shape import Shape

pytestmark = [pytest.mark.train, pytest.mark.timeout(300)]

SHAPE = Shape(2, 64, 128, 4, 2, 16, 500, gated=True, tied=False)


@pytest.mark.parametrize("method", ["dora", "ia3"])
def test_peft_alone_gets_what_was_trained(tmp_path: Path, method: str) -> None:
    """Saved, loaded again, and merged into the base: the same logits each time, and not the base's."""
    import peft
    import torch

    recipe = Recipe(method=method, dtype="float32", rank=4, sequence_length=64, max_steps=3, learning_rate=5e-2)
    block = blocks(SHAPE, recipe, 1)
    with base_weights.quiet_transformers() as transformers:
        transformers.set_seed(1)
        transformers.AutoModelForCausalLM.from_config(config(transformers, SHAPE)).save_pretrained(tmp_path / "base")
        model = trainer.add_adapter(base_weights.load_model(tmp_path / "base", recipe, "cpu"), recipe)
        before = trainer.mean_nll(model, block)
        trainer.train(model, block, recipe, tmp_path / "run", lambda progress: None)
        assert trainer.mean_nll(model, block) < before
        model.save_pretrained(tmp_path / "adapter")
        base = base_weights.load_model(tmp_path / "base", recipe, "cpu")
        again = peft.PeftModel.from_pretrained(base, str(tmp_path / "adapter"))

    def logits(of: torch.nn.Module) -> torch.Tensor:
        with torch.no_grad():
            return of.eval()(**collate(block)).logits

    expected = logits(model)
    assert torch.allclose(logits(again), expected, atol=1e-5)
    with again.disable_adapter():
        assert not torch.allclose(logits(again), expected, atol=1e-2)
    assert torch.allclose(logits(again.merge_and_unload()), expected, atol=1e-3)


@pytest.mark.model
@pytest.mark.proof
def test_a_job_leaves_a_dora_adapter_to_peft(small: Small, tmp_path: Path) -> None:
    """The adapter and the metrics are there, and no GGUF that would be wrong."""
    folder = small.job(tmp_path / "run-1", replace(TINY, method="dora", max_steps=2))
    assert main([str(folder)]) == 0, (folder / "error.txt").read_text()
    found = {p.relative_to(folder / "out").as_posix() for p in (folder / "out").rglob("*") if p.is_file()}
    assert found == {
        "adapter/adapter_config.json", "adapter/adapter_model.safetensors", "manifest.json", "metrics.json",
    }  # fmt: skip


def test_a_retrain_refuses_it_before_anything_is_sent(blog: Blog) -> None:
    """`retrain --now` and `retrain plan` say no, with the way out, and no run begins."""
    blog.small_retrain('method = "dora"\n', more=NO_MODEL)
    for command in (("retrain", "--now"), ("retrain", "plan")):
        refused = blog.tonewright(*command)
        assert refused.code == 4, refused.err
        assert "set method to qlora or lora" in refused.err
    assert blog.tonewright("runs").code == 3  # there was none


def test_the_plan_of_the_next_run(blog: Blog) -> None:
    """What it needs on this machine, in a table and as JSON, before a row is sent."""
    blog.small_retrain("max_steps = 4\n", more=NO_MODEL)
    settings = blog.root / "tonewright.toml"
    settings.write_text(settings.read_text().replace("min_new_examples = 8", "min_new_examples = 999"))
    assert blog.tonewright("up", "--once").code == 0
    shown = blog.tonewright("retrain", "plan")
    assert shown.code == 0, shown.err
    assert "fits" in shown.out
    told = json.loads(blog.tonewright("retrain", "plan", "--json").out)
    plan = told["hosts"]["local"]
    assert (told["fits"], plan["fits"], plan["gpu"]) == (True, True, 0)
    assert plan["ram"] > plan["held"]["weights"] > 0
    assert plan["seconds"] > 0
