"""The trainer on the real small model: what it learns from, and that what it learns is right."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ml.conftest import HELD_OUT, TINY, Small
from tonewright.models.llama import LocalModel
from tonewright.training import base_weights, trainer
from tonewright.training.progress import Progress
from tonewright.training.rows import Block, collate, pack

pytestmark = [pytest.mark.train, pytest.mark.timeout(300)]

# float32, because its results do not depend on the CPU's matrix units.


@pytest.mark.model
def test_trainer_and_llama_split_texts_alike(small: Small) -> None:
    """Numbers after blank lines, emoji, odd spaces, special tokens: the same ids on both sides."""
    said = (
        "1. first\n\n2. second\n\n\n12,345.67 on 2024-11-23",
        "  two  spaces\t\ttab \u00a0nbsp\r\n",
        "café 日本 🎉👩‍🚀 ½ Ⅷ they're “quoted”—and <snark>marked</snark>",
        "<|im_end|> in the text",
    )
    texts = [small.chat.conversation([{"role": "assistant", "content": words}]) for words in said]
    with LocalModel(small.base.gguf, n_ctx=256) as model:
        assert [model.tokenize(t) for t in texts] == [small.tokenize(t) for t in texts]


def test_our_renderer_is_that_of_transformers(small: Small) -> None:
    """The same template and messages give the same text as the tokenizer's own method."""
    with base_weights.quiet_transformers() as transformers:
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(small.weights))
        asked = [
            {"role": "system", "content": "Be dry."},
            {"role": "user", "content": "<b>Rain</b> & 'wind'\n"},
        ]
        for messages in (asked, asked[1:]):
            theirs = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            assert small.chat.prompt(messages) == theirs


def test_packed_examples_do_not_see_each_other(small: Small) -> None:
    """Three examples in one pass get the logits that each gets alone."""
    import torch

    model = base_weights.load_model(small.weights, replace(TINY, method="lora"), "cpu")
    examples = small.examples()[:3]
    with torch.no_grad():
        together = model(**collate([tuple(examples)])).logits[0]
        alone = torch.cat([model(**collate([(e,)])).logits[0] for e in examples])
    assert together.shape == (sum(len(e.ids) - e.start for e in examples), 49152)
    assert float((together - alone).abs().max()) < 1e-3


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_four_bit_gradients_are_right_after_an_evaluation(small: Small, device: str) -> None:
    """On some CPUs one forward pass in eval mode would silently turn the gradients of 4-bit layers to noise.

    The reference is a dense model with the very weights that the 4-bit one stands for.
    """
    import bitsandbytes
    import torch

    block: Block = tuple(small.examples()[:2])
    quantised = _with_effect(trainer.add_adapter(base_weights.load_model(small.weights, TINY, device), TINY))
    trainer.mean_nll(quantised, [block])
    found = _gradient(quantised, block)

    dense = base_weights.load_model(small.weights, replace(TINY, method="lora"), device)
    weights = {
        name.replace("base_model.model.", "").replace(".base_layer", ""): layer.weight
        for name, layer in quantised.named_modules()
        if isinstance(layer, bitsandbytes.nn.Linear4bit)
    }
    for name, packed in weights.items():
        exact = bitsandbytes.functional.dequantize_4bit(packed.data, packed.quant_state)
        dense.get_submodule(name).weight.data = exact.to(torch.float32)
    reference = _gradient(_with_effect(trainer.add_adapter(dense, TINY)), block)

    assert len(weights) == 210
    assert float(torch.nn.functional.cosine_similarity(found, reference, dim=0)) > 0.95
    assert 0.9 < float(found.norm() / reference.norm()) < 1.1


@pytest.mark.proof
def test_a_run_that_was_killed_goes_on_to_the_same_adapter(small: Small, tmp_path: Path) -> None:
    """Stopped after a checkpoint and started again, it ends with the weights of a run that was left alone.

    Newer checkpoints that were cut short or damaged are passed over.
    """
    import torch

    blocks = pack(small.examples()[:-HELD_OUT], TINY.sequence_length, TINY.seed)

    def fresh() -> Any:
        return trainer.add_adapter(base_weights.load_model(small.weights, TINY, "cpu"), TINY)

    def power_cut(progress: Progress) -> None:
        if progress.step == 3:
            raise InterruptedError

    whole, again = fresh(), fresh()
    trainer.train(whole, blocks, TINY, tmp_path / "whole", _ignore)
    with pytest.raises(InterruptedError):
        trainer.train(fresh(), blocks, TINY, tmp_path / "cut", power_cut)
    good, torn, damaged = (tmp_path / "cut" / f"checkpoint-{n}" for n in (2, 3, 4))
    shutil.copytree(good, torn, ignore=shutil.ignore_patterns("trainer_state.json"))
    shutil.copytree(good, damaged)
    weights = bytearray((damaged / "adapter_model.safetensors").read_bytes())
    weights[-1] ^= 1
    (damaged / "adapter_model.safetensors").write_bytes(weights)
    seen: list[int] = []
    ended = trainer.train(again, blocks, TINY, tmp_path / "cut", lambda progress: seen.append(progress.step))

    assert seen == [3, 4]
    assert ended.steps == 4
    for (name, left), (_, right) in zip(_adapter(whole), _adapter(again)):
        assert torch.allclose(left, right, atol=1e-6), name


def _ignore(_: Progress) -> None:
    """Nobody watches this run."""


def _adapter(model: Any) -> list[tuple[str, Any]]:
    return [(name, p) for name, p in model.named_parameters() if p.requires_grad]


def _with_effect(model: Any) -> Any:
    """A fresh adapter has B = 0, and then no gradient reaches A: give it some."""
    import torch

    torch.manual_seed(1)
    for name, parameter in _adapter(model):
        if "lora_B" in name:
            parameter.data.normal_(std=0.02)
    return model


def _gradient(model: Any, block: Block) -> Any:
    """All adapter gradients of one training step, as one vector."""
    import torch

    model.train()
    batch = {k: v.to(model.device) if hasattr(v, "to") else v for k, v in collate([block]).items()}
    model(**batch).loss.backward()
    return torch.cat([p.grad.flatten() for _, p in _adapter(model)])


def test_a_loss_that_is_not_a_number_stops_the_run(small: Small, tmp_path: Path) -> None:
    """With the way out, instead of an adapter full of NaN."""
    from tonewright.errors import TonewrightError

    model = trainer.add_adapter(base_weights.load_model(small.weights, replace(TINY, method="lora"), "cpu"), TINY)
    for _, parameter in _adapter(model):
        parameter.data.fill_(float("nan"))
    with pytest.raises(TonewrightError, match="lower learning_rate"):
        trainer.train(model, [tuple(small.examples()[:1])], TINY, tmp_path / "run", _ignore)
