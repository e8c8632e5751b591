"""The recipes at their real shapes on one GPU with 8 GB: peak beside the plan, speed beside TRL and the chip's limit.

Weights are random, shapes are those of the published models. This process may use 8 GB of GPU memory and no more. With
`--tiny`, a small shape goes the same way on the processor, which shows that the script works and nothing else.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.integration.ml.measure import config
from tonewright.training import base_weights, memory, trainer
from tonewright.training.fitting import facts_here
from tonewright.training.plan import plan
from tonewright.training.progress import Progress
from tonewright.training.recipe import Recipe, load_recipe
from tonewright.training.rows import Block, Example
from tonewright.training.shape import Shape

CAP, STEPS, CLOSE = 8 * 10**9, 6, 0.10
SHAPES = {
    "smollm2-1.7b": Shape(24, 2048, 8192, 32, 32, 64, 49152, gated=True, tied=True),
    "tinyllama-1.1b": Shape(22, 2048, 5632, 32, 4, 64, 32000, gated=True, tied=False),
    "phi-2": Shape(32, 2560, 10240, 32, 32, 80, 51200, gated=False, tied=False),
    "codellama-7b": Shape(32, 4096, 11008, 32, 32, 128, 32016, gated=True, tied=False),
}
TINY = {"tiny": Shape(2, 64, 128, 4, 2, 16, 500, gated=True, tied=True)}


def make(shape: Shape, folder: Path, device: str) -> None:
    """A model of random weights in bfloat16 as safetensors, made where there is room for it."""
    import torch

    with base_weights.quiet_transformers() as transformers, torch.device(device):
        model = transformers.AutoModelForCausalLM.from_config(config(transformers, shape), dtype=torch.bfloat16)
        model.save_pretrained(folder)


def full_blocks(shape: Shape, recipe: Recipe) -> list[Block]:
    """Blocks of four documents that leave no token free, half of each an answer."""
    size = recipe.sequence_length // 4
    ids = tuple(n % (shape.vocabulary - 10) + 10 for n in range(size))
    count = STEPS * recipe.batch * recipe.accumulation
    return [tuple(Example(f"{n}.{i}", ids, size // 2) for i in range(4)) for n in range(count)]


def ours(shape: Shape, recipe: Recipe, folder: Path, device: str) -> tuple[float, int]:
    """(tokens a second after the first step, peak of the tensors in bytes; 0 on a processor)."""
    import torch

    marks: list[float] = []

    def tick(_: Progress) -> None:
        marks.append(time.perf_counter())

    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    model = trainer.add_adapter(base_weights.load_model(folder, recipe, device), recipe)
    with tempfile.TemporaryDirectory() as out:
        trainer.train(model, full_blocks(shape, recipe), recipe, Path(out), tick)
    tokens = recipe.sequence_length * recipe.batch * recipe.accumulation * (len(marks) - 1)
    return tokens / (marks[-1] - marks[0]), torch.cuda.max_memory_allocated() if device == "cuda" else 0


def theirs(shape: Shape, recipe: Recipe, folder: Path, device: str) -> float:
    """Tokens a second of TRL's trainer with the same base, adapter, optimiser and blocks."""
    import datasets
    import peft
    import transformers
    from transformers import PreTrainedTokenizerFast
    from trl import SFTConfig, SFTTrainer

    datasets.disable_progress_bars()
    marks: list[float] = []

    class Watch(transformers.TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            marks.append(time.perf_counter())

    ids = [[token for e in block for token in e.ids] for block in full_blocks(shape, recipe)]
    answers = [[int(i >= e.start) for e in block for i in range(len(e.ids))] for block in full_blocks(shape, recipe)]
    adapter = peft.LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    with tempfile.TemporaryDirectory() as out:
        config = SFTConfig(
            output_dir=out, max_length=recipe.sequence_length, per_device_train_batch_size=recipe.batch,
            gradient_accumulation_steps=recipe.accumulation, num_train_epochs=1, save_strategy="no", report_to="none",
            activation_checkpointing=recipe.gradient_checkpointing, use_cpu=device == "cpu", bf16=False,
            optim="paged_adamw_8bit" if device == "cuda" else "adamw_torch", disable_tqdm=True,
        )  # fmt: skip
        SFTTrainer(
            model=base_weights.load_model(folder, recipe, device), args=config, peft_config=adapter,
            train_dataset=datasets.Dataset.from_dict({"input_ids": ids, "completion_mask": answers}),
            processing_class=_words(PreTrainedTokenizerFast), callbacks=[Watch()],
        ).train()  # fmt: skip
    tokens = recipe.sequence_length * recipe.batch * recipe.accumulation * (len(marks) - 1)
    return tokens / (marks[-1] - marks[0])


def products_per_second(device: str) -> float:
    """Floating-point operations a second of this chip in one large matrix product, in the dtype that it trains in."""
    import torch

    size = 8192 if device == "cuda" else 1024
    dtype = base_weights.pick_dtype("auto", device)
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = 0.0
    for _ in range(5):  # the first one warms up
        began = time.perf_counter()
        float((a @ b)[0, 0])  # waits for the GPU
        best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best


def work(shape: Shape, recipe: Recipe) -> float:
    """Floating-point operations a token of `full_blocks` that cannot be saved: each frozen matrix once forward, once
    backward, once more where activations are computed again; the output matrix for answers, half of the tokens."""
    passes = 3 if recipe.gradient_checkpointing else 2
    return 2.0 * passes * shape.linear + 2.0 * shape.vocabulary * shape.width


def _words(kind: Any) -> Any:
    """TRL wants a tokenizer even for rows that are ids already."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    return kind(tokenizer_object=Tokenizer(WordLevel({"<e>": 0}, unk_token="<e>")), eos_token="<e>", pad_token="<e>")


def main() -> int:
    """One line a recipe; exit code 1 when a peak is not what the plan said."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="a small shape on the processor")
    args = parser.parse_args()
    import torch

    if not args.tiny and not torch.cuda.is_available():
        print("skipped: there is no CUDA GPU here (--tiny goes through the same steps on the processor)")
        return 0
    device = "cpu" if args.tiny else "cuda"
    if device == "cuda":
        torch.cuda.set_per_process_memory_fraction(min(1.0, CAP / torch.cuda.get_device_properties(0).total_memory))
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("torch", "transformers", "peft", "trl"))
    print(f"{date.today()}, {torch.cuda.get_device_name(0) if device == 'cuda' else 'processor'}, {versions}")
    wrong, chip = 0, products_per_second(device)
    for name, shape in (TINY if args.tiny else SHAPES).items():
        recipe = replace(Recipe(sequence_length=64) if args.tiny else load_recipe(name), max_steps=STEPS)
        with tempfile.TemporaryDirectory() as folder:
            facts = facts_here(Path(folder))
            if device == "cuda":
                facts = replace(facts, gpu_bytes=CAP)
            found = plan(shape, recipe, facts, converts=False)
            make(shape, Path(folder), device)
            speed, peak = ours(shape, found.recipe, Path(folder), device)
            other = theirs(shape, found.recipe, Path(folder), device)
        planned = found.gpu - memory.CONTEXT
        off = peak / planned - 1 if peak else 0.0
        wrong += abs(off) > CLOSE
        limit = chip / work(shape, found.recipe)
        print(
            f"  {name:<16}peak {peak / 1e9:5.2f} GB, planned {max(planned, 0) / 1e9:5.2f} GB ({off:+.0%})  "
            f"{speed:7.0f} tokens/s, TRL {other:7.0f}, chip's limit {limit:9.0f} ({speed / limit:.0%})  {found.why}"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
