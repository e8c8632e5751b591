"""What training with random weights really takes: counted here, or as a process of its own (`measure.py JSON`)."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tonewright.training import base_weights, trainer
from tonewright.training.recipe import Recipe
from tonewright.training.rows import Block, Example, collate
from tonewright.training.shape import Shape


def config(transformers: Any, shape: Shape) -> Any:
    """`shape` as transformers describes it: a Llama, or Phi-2 where the feed-forward layer is not gated."""
    own = {
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "tie_word_embeddings": shape.tied,
    }
    if shape.gated:
        return transformers.LlamaConfig(**own, head_dim=shape.head_size)
    return transformers.PhiConfig(**own, partial_rotary_factor=0.4)


def blocks(shape: Shape, recipe: Recipe, count: int) -> list[Block]:
    """Full blocks of two documents each, all of it answer."""
    half = recipe.sequence_length // 2
    ids = tuple(range(7, min(shape.vocabulary, half))) * 99
    return [tuple(Example(f"{n}.{i}", ids[n : n + half], 1) for i in range(2)) for n in range(count)]


def kept(model: Any, batch: list[Block]) -> int:
    """Bytes of what autograd keeps of one forward pass, weights and buffers aside."""

    def forward() -> None:
        model.train()
        assert bool(model(**collate(batch)).loss.isfinite())

    return kept_by(forward, model)


def kept_by(work: Callable[[], object], model: Any) -> int:
    """Bytes of what autograd keeps while `work` goes on, weights and buffers aside."""
    import torch

    own = {t.untyped_storage().data_ptr() for t in [*model.parameters(), *model.buffers()]}
    seen: dict[int, Any] = {}

    def keep(tensor: Any) -> Any:
        seen.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        work()
    return sum(t.untyped_storage().nbytes() for place, t in seen.items() if place not in own)


def peak(model: Any, train: list[Block], recipe: Recipe) -> int:
    """The most that this process had in memory while it trained for two steps."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # loading does not count
    with tempfile.TemporaryDirectory() as folder:
        trainer.train(model, train, recipe, Path(folder), lambda progress: None)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def model_of(shape: Shape, recipe: Recipe) -> Any:
    """Random weights with an adapter, loaded as a job does."""
    with base_weights.quiet_transformers() as transformers, tempfile.TemporaryDirectory() as folder:
        transformers.set_seed(1)
        transformers.AutoModelForCausalLM.from_config(config(transformers, shape)).save_pretrained(folder)
        model = trainer.add_adapter(base_weights.load_model(Path(folder), recipe, "cpu"), recipe)
    model.peft_config["default"].base_model_name_or_path = ""  # the folder is gone
    return model


def main() -> None:
    """Train as the recipe says and print the peak."""
    asked = json.loads(sys.argv[1])
    shape, recipe = Shape(**asked["shape"]), Recipe(**{**asked["recipe"], "targets": ("all-linear",)})
    print(json.dumps(peak(model_of(shape, recipe), blocks(shape, recipe, recipe.batch * 2), recipe)))


if __name__ == "__main__":
    main()
