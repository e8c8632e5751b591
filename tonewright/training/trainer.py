"""The training loop: transformers' Trainer around a frozen base with an adapter."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tonewright.errors import TonewrightError
from tonewright.models.base import sha256_of
from tonewright.training.base_weights import quiet_transformers
from tonewright.training.files import write_json
from tonewright.training.progress import Progress
from tonewright.training.recipe import Recipe
from tonewright.training.rows import Block, collate

_SEAL = "sha256.json"  # in a checkpoint: {file: hash}
Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Trained:
    """What a run gave: the optimiser steps in all, and the mean training loss of their last tenth."""

    steps: int
    loss: float


def add_adapter(model: Any, recipe: Recipe) -> Any:
    """`model` with a fresh float32 adapter, the only part that learns, drawn from the recipe's seed."""
    import peft

    with quiet_transformers() as transformers:
        transformers.set_seed(recipe.seed)
        every = recipe.targets == ("all-linear",)
        if recipe.method == "ia3":
            # Its factors belong to keys, values and the feed-forward layer; PEFT knows their names for each family.
            return peft.get_peft_model(
                model,
                peft.IA3Config(target_modules=None if every else list(recipe.targets), task_type="CAUSAL_LM"),
            )
        return peft.get_peft_model(
            model,
            peft.LoraConfig(
                r=recipe.rank,
                lora_alpha=recipe.alpha,
                lora_dropout=recipe.dropout,
                target_modules="all-linear" if every else list(recipe.targets),
                use_dora=recipe.method == "dora",
                task_type="CAUSAL_LM",
            ),
        )


def train(
    model: Any,
    blocks: Sequence[Block],
    recipe: Recipe,
    folder: Path,
    report: Report,
    *,
    collator: Callable[[Sequence[Block]], dict[str, Any]] = collate,
) -> Trained:
    """Fit `model`'s adapter to `blocks`, with checkpoints in `folder`; goes on from the newest whole one there.

    `collator` makes a forward pass of some of them. Raises `TonewrightError` as soon as the loss is not a number.
    """
    with quiet_transformers() as transformers:
        tokens = sum(len(e.ids) for b in blocks for e in b) / len(blocks)
        trainer = transformers.Trainer(
            model=model,
            args=arguments(transformers.TrainingArguments, recipe, folder, model.device.type),
            train_dataset=list(blocks),
            data_collator=collator,
            callbacks=[watch(transformers, report, "train", tokens)],
        )
        return finish(transformers, trainer, model, folder)


def finish(transformers: Any, trainer: Any, model: Any, folder: Path) -> Trained:
    """Do the steps of `trainer` that the newest whole checkpoint in `folder` leaves to do."""
    # Trainer would print every log line as a dictionary.
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    newest = newest_checkpoint(folder)
    state = transformers.TrainerState.load_from_json(f"{newest}/trainer_state.json") if newest else trainer.state
    if newest and state.global_step >= state.max_steps:  # Trainer would do one step more
        _load_adapter(model, Path(newest))
    else:
        trainer.train(resume_from_checkpoint=newest)
        state = trainer.state
    losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
    last = losses[-max(1, len(losses) // 10) :]
    return Trained(state.global_step, sum(last) / len(last))


def _load_adapter(model: Any, checkpoint: Path) -> None:
    import peft
    from safetensors.torch import load_file

    peft.set_peft_model_state_dict(model, load_file(checkpoint / "adapter_model.safetensors"))


def save_adapter(model: Any, folder: Path, base: str) -> None:
    """The adapter of `model` as PEFT saves it, naming its `base` instead of a path on this machine."""
    with quiet_transformers():
        model.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, {**config, "base_model_name_or_path": base})


def mean_nll(model: Any, blocks: Sequence[Block]) -> float:
    """The mean negative log-likelihood per answer token over `blocks`, in nats."""
    import torch

    total, count = 0.0, 0
    model.eval()
    with torch.no_grad():
        for block in blocks:
            batch = {k: v.to(model.device) if hasattr(v, "to") else v for k, v in collate([block]).items()}
            answers = batch["labels"].numel()
            total += float(model(**batch).loss) * answers
            count += answers
    return total / count


def newest_checkpoint(folder: Path) -> str | None:
    """The checkpoint in `folder` with the most steps among those that hold what was written into them, or None.

    Each has its files' hashes beside them, written last: one that was cut short or damaged does not count.
    """
    sealed = sorted((p.parent for p in folder.glob(f"checkpoint-*/{_SEAL}")), key=_steps_of, reverse=True)
    return next((str(place) for place in sealed if _whole(place)), None)


def _steps_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _seal(checkpoint: Path) -> None:
    write_json(checkpoint / _SEAL, {p.name: sha256_of(p) for p in sorted(checkpoint.iterdir()) if p.is_file()})


def _whole(checkpoint: Path) -> bool:
    with suppress(OSError, ValueError):
        hashes = json.loads((checkpoint / _SEAL).read_text(encoding="utf-8"))
        return all(sha256_of(checkpoint / name) == digest for name, digest in hashes.items())
    return False


def arguments(kind: Any, recipe: Recipe, folder: Path, device: str, **more: Any) -> Any:
    """`recipe` as transformers' TrainingArguments, or as another `kind` of them that wants `more`."""
    return kind(
        output_dir=str(folder),
        per_device_train_batch_size=recipe.batch,
        gradient_accumulation_steps=max(1, recipe.accumulation // int(os.environ.get("WORLD_SIZE", "1"))),
        num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps or -1,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.warmup,  # below 1 it is a share of the steps
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        # Paging lets optimiser state leave a small GPU in a spike; on a CPU there is nothing to page to.
        optim="paged_adamw_8bit" if device == "cuda" else "adamw_torch",
        activation_checkpointing=recipe.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False} if recipe.gradient_checkpointing else None,
        save_steps=recipe.checkpoint_steps,
        save_total_limit=2,  # a second one, in case the machine stops while it writes the next
        logging_steps=1,
        logging_nan_inf_filter=False,
        seed=recipe.seed,
        use_cpu=device == "cpu",
        remove_unused_columns=False,
        dataloader_num_workers=0,
        report_to="none",
        push_to_hub=False,
        disable_tqdm=True,
        **more,
    )


def watch(transformers: Any, report: Report, phase: str, tokens: float) -> Any:
    """A callback that reports after each step; `tokens` is the mean number of tokens in a block."""

    class Watch(transformers.TrainerCallback):  # type: ignore[misc]
        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.is_world_process_zero:
                _seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.first, self.began = state.global_step, time.monotonic()

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if not logs or "loss" not in logs:
                return
            loss = float(logs["loss"])
            if not math.isfinite(loss):
                raise TonewrightError(
                    f"the training loss became {loss} at step {state.global_step}",
                    'lower learning_rate in the recipe, or set dtype = "float32"',
                )
            done = max(1, state.global_step - self.first)
            per_step = (time.monotonic() - self.began) / done
            step_tokens = tokens * args.per_device_train_batch_size * args.gradient_accumulation_steps
            report(
                Progress(
                    phase=phase,
                    step=state.global_step,
                    steps=state.max_steps,
                    loss=loss,
                    learning_rate=float(logs["learning_rate"]),
                    tokens_per_second=round(step_tokens / per_step, 1),
                    eta_seconds=round(per_step * (state.max_steps - state.global_step), 1),
                    reward_accuracy=logs.get("rewards/accuracies"),
                    reward_margin=logs.get("rewards/margins"),
                )
            )

    return Watch()
