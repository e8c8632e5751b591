"""Training beside TRL's SFTTrainer and a plain Trainer: tokens per second and peak memory, one table.

Same base, rows, sequence length, adapter, optimiser and tokens in a step; each contender is a process of its own, in
turns. Rows of full length show the loop alone, short ones what packing saves. `--tiny` takes a base of random weights.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tonewright.models.base import find_base
from tonewright.training import base_weights, trainer
from tonewright.training.recipe import Recipe
from tonewright.training.rows import Example, pack
from tonewright.workspace import cache_folder

ROUNDS, STEPS, LENGTH, ROWS = 3, 8, 256, 4  # ROWS in a step of who does not pack
CONTENDERS = ("tonewright", "TRL SFTTrainer", "plain Trainer")
RECIPE = Recipe(method="lora", dtype="float32", rank=16, sequence_length=LENGTH, epochs=1, checkpoint_steps=10_000)


def rows(kind: str) -> list[Example]:
    """Enough of them for `STEPS` steps of whoever takes the most rows in a step; the answer is the second half."""
    rng = random.Random(5)
    whole = [LENGTH] * STEPS
    short = [rng.randint(LENGTH // 16, LENGTH // 2) for _ in range(STEPS * ROWS)]
    return [
        Example(str(n), tuple(rng.randrange(10, 4000) for _ in range(size)), size // 2)
        for n, size in enumerate(whole if kind == "full" else short)
    ]


class Clock:
    """Processor seconds and wall seconds from the end of the first step on: the first one warms up."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, float]] = []

    def tick(self, *_: object) -> None:
        """A step has ended."""
        self.marks.append((time.process_time(), time.perf_counter()))

    def result(self, tokens: int) -> dict[str, float]:
        """Tokens a second over all steps but the first, which are taken to be alike, and the peak in bytes."""
        cpu, wall = (last - first for first, last in zip(self.marks[0], self.marks[-1]))
        share = tokens * (len(self.marks) - 1) / len(self.marks)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return {"cpu": share / cpu, "wall": share / wall, "peak": peak}


def ours(folder: Path, examples: list[Example], out: Path, clock: Clock) -> None:
    """Packed blocks through tonewright's trainer."""
    model = trainer.add_adapter(base_weights.load_model(folder, RECIPE, "cpu"), RECIPE)
    trainer.train(model, pack(examples, LENGTH, 0), RECIPE, out, clock.tick)


def theirs(folder: Path, examples: list[Example], out: Path, clock: Clock, *, trl: bool) -> None:
    """A few rows in a step, padded to the longest: what both do unless they are told otherwise."""
    import torch
    import transformers

    class Watch(transformers.TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.tick()

    batch = 1 if len(examples[0].ids) == LENGTH else ROWS
    shared: dict[str, Any] = {
        "output_dir": str(out), "per_device_train_batch_size": batch, "num_train_epochs": 1, "learning_rate": 2e-4,
        "lr_scheduler_type": "cosine", "use_cpu": True, "bf16": False, "report_to": "none", "save_strategy": "no",
        "logging_steps": 1, "disable_tqdm": True, "seed": 0,
    }  # fmt: skip
    model = base_weights.load_model(folder, RECIPE, "cpu")
    if trl:
        import datasets
        import peft
        from trl import SFTConfig, SFTTrainer

        datasets.disable_progress_bars()
        data = datasets.Dataset.from_list(
            [
                {"input_ids": list(e.ids), "completion_mask": [int(i >= e.start) for i in range(len(e.ids))]}
                for e in examples
            ]
        )
        adapter = peft.LoraConfig(
            r=RECIPE.rank, lora_alpha=RECIPE.alpha, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        config = SFTConfig(**shared, max_length=LENGTH, completion_only_loss=True, activation_checkpointing=False)
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder))
        SFTTrainer(
            model=model, args=config, train_dataset=data, processing_class=tokenizer, peft_config=adapter,
            callbacks=[Watch()],
        ).train()  # fmt: skip
        return

    def padded(part: list[Example]) -> dict[str, Any]:
        width = max(len(e.ids) for e in part)
        ids = torch.zeros(len(part), width, dtype=torch.long)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for row, e in enumerate(part):
            size = len(e.ids)
            ids[row, :size], mask[row, :size] = torch.tensor(e.ids), 1
            labels[row, e.start : size] = torch.tensor(e.ids[e.start :])
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}

    transformers.Trainer(
        model=trainer.add_adapter(model, RECIPE),
        args=transformers.TrainingArguments(**shared, remove_unused_columns=False),
        train_dataset=examples, data_collator=padded, callbacks=[Watch()],
    ).train()  # fmt: skip


def contend(name: str, kind: str, folder: Path) -> None:
    """Run one contender in this process and print what it took."""
    examples, clock = rows(kind), Clock()
    with base_weights.quiet_transformers(), tempfile.TemporaryDirectory() as out:
        if name == "tonewright":
            ours(folder, examples, Path(out), clock)
        else:
            theirs(folder, examples, Path(out), clock, trl=name.startswith("TRL"))
    print(json.dumps(clock.result(sum(len(e.ids) for e in examples))))


def base(tiny: bool, folder: Path) -> Path:
    """SmolLM2-135M as safetensors, or a model with its words and random weights."""
    found = find_base("smollm2-135m")
    real = base_weights.convert(found.gguf, found.sha256, cache_folder() / "host" / "cache")
    if not tiny:
        return real
    with base_weights.quiet_transformers() as transformers:
        config = transformers.AutoConfig.from_pretrained(str(real))
        config.num_hidden_layers, config.layer_types = 6, None
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
        transformers.AutoTokenizer.from_pretrained(str(real)).save_pretrained(folder)
    return folder


def main() -> int:
    """Contenders in turns, so that whatever else the machine does hits all of them alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="six layers of random weights instead of SmolLM2-135M")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--one", nargs=3, metavar=("CONTENDER", "ROWS", "BASE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        contend(args.one[0], args.one[1], Path(args.one[2]))
        return 0
    if importlib.util.find_spec("trl") is None:
        print("skipped: TRL is not installed (pip install 'tonewright[trl]')")
        return 0
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        weights = base(args.tiny, Path(folder))
        for _ in range(args.rounds):
            for kind in ("full", "short"):
                for name in CONTENDERS:
                    command = [sys.executable, __file__, "--one", name, kind, str(weights)]
                    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                    found.setdefault((kind, name), []).append(json.loads(done.stdout.splitlines()[-1]))
    what = "6 layers of random weights" if args.tiny else "SmolLM2-135M"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {what}, LoRA in float32, {LENGTH} tokens, medians of")
    print(f"{args.rounds} rounds; tokens are those of the rows, without padding")
    missed = 0
    for kind, promised in (("full", 1.0), ("short", 1.3)):
        best = 0.0
        for name in CONTENDERS:
            cpu, wall, peak = (statistics.median(r[key] for r in found[kind, name]) for key in ("cpu", "wall", "peak"))
            best = best if name == "tonewright" else max(best, cpu)
            print(f"  {kind:<6}{name:<16}{cpu:7.0f} tokens/CPU s {wall:7.0f} tokens/s {peak / 1e6:7.0f} MB")
        own = statistics.median(r["cpu"] for r in found[kind, "tonewright"])
        print(f"  {kind} rows: {own / best:.2f} x the better of the others (promised: at least {promised} x)")
        missed += own / best < promised
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
