"""One training run, from a job folder to an adapter: the whole course of it on one page.

    python -m tonewright.training JOBDIR

JOBDIR holds spec.json, train.jsonl and heldout.jsonl. While it runs, progress.json tells where it is; at
the end there is out/ with adapter/, adapter.gguf, reference.npz, metrics.json and manifest.json, or
error.txt with one sentence. Started again, it goes on from its last checkpoint, and does nothing when out/
is there already. An adapter of a method that GGUF cannot carry is left to PEFT: no adapter.gguf, no reference.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tonewright.errors import BadInput, TonewrightError, TryLater
from tonewright.gguf.adapter import write_adapter
from tonewright.gguf.parity import Probe, write_reference
from tonewright.models.base import sha256_of
from tonewright.models.chat import ChatFormat
from tonewright.training import base_weights, trainer
from tonewright.training.files import write_json, write_whole
from tonewright.training.fitting import CHECKPOINTS, PLAN_FILE, fitted, out_of_memory, step_down
from tonewright.training.progress import ProgressFile
from tonewright.training.recipe import CARRIED, Recipe
from tonewright.training.rows import Example, Row, encode, fitting, pack, read_rows
from tonewright.training.shape import DENSE_LIMIT, shape_of
from tonewright.training.spec import Spec, read_spec

_PROBES = 6  # held-out rows in the parity reference


def main(argv: Sequence[str]) -> int:
    """Run the job in the folder that `argv` names; 0 done, 75 try again later, 1 failed, 2 usage."""
    if len(argv) != 1:
        print("usage: python -m tonewright.training JOBDIR", file=sys.stderr)  # noqa: T201 - the only output
        return 2
    folder = Path(argv[0]).absolute()
    (folder / "error.txt").unlink(missing_ok=True)
    try:
        run(folder)
    except Exception as e:
        error = e if isinstance(e, TonewrightError) else _explain(e)
        write_whole(folder / "error.txt", f"{error}\n".encode())
        return error.exit_code if isinstance(error, TryLater) else 1
    return 0


def run(folder: Path) -> None:
    """Do the job in `folder`. Raises `TonewrightError` for whatever the author can mend."""
    out, aside = folder / "out", folder / "out.part"
    progress = ProgressFile(folder / "progress.json")
    if (out / "manifest.json").is_file():
        progress.phase("done")
        return
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    began = time.monotonic()

    progress.phase("check")
    spec = read_spec(folder)
    rows, held = read_rows(folder / "train.jsonl"), read_rows(folder / "heldout.jsonl")

    progress.phase("convert")
    weights = spec.weights or base_weights.convert(spec.base, spec.sha256, spec.cache)

    progress.phase("encode")
    tokenize = base_weights.load_tokenizer(weights)
    chat = ChatFormat.of(spec.base)
    encoded, held_encoded = ([encode(row, chat, tokenize) for row in part] for part in (rows, held))
    longest = max((len(e.ids) for e in encoded), default=0)

    progress.phase("plan")
    shape = shape_of(spec.base)
    recipe, changes = fitted(folder, shape, spec.recipe, [len(e.ids) for e in encoded])
    progress.changes = changes
    examples, left_out = fitting(encoded, recipe.sequence_length)
    held_examples, held_left_out = fitting(held_encoded, recipe.sequence_length)
    _require(examples, folder / "train.jsonl", recipe)
    _require(held_examples, folder / "heldout.jsonl", recipe)
    blocks = pack(examples, recipe.sequence_length, recipe.seed)
    held_blocks = pack(held_examples, recipe.sequence_length, recipe.seed)

    progress.phase("load")
    device = base_weights.pick_device()
    model = trainer.add_adapter(base_weights.load_model(weights, recipe, device), recipe)

    progress.phase("measure")
    try:
        before = trainer.mean_nll(model, held_blocks)
        trained = trainer.train(model, blocks, recipe, folder / CHECKPOINTS, progress.write)
    except (MemoryError, RuntimeError) as e:
        if out_of_memory(e):
            step_down(folder, recipe, changes, longest)
        raise
    progress.phase("measure")
    after = trainer.mean_nll(model, held_blocks)

    progress.phase("export")
    _save_adapter(model, aside / "adapter", spec)
    if recipe.method in CARRIED:
        notes = {"run": spec.run, "base.name": spec.base_name, "base.sha256": spec.sha256}
        write_adapter(aside / "adapter", spec.base, aside / "adapter.gguf", notes=notes)

        progress.phase("reference")
        if shape.dense_bytes <= DENSE_LIMIT:
            model = _dense(weights, recipe, aside / "adapter")
        write_reference(model, _probes(held, held_examples, chat), aside / "reference.npz")

    write_json(
        aside / "metrics.json",
        {
            "run": spec.run,
            "heldout_loss_before": round(before, 4),
            "heldout_loss_after": round(after, 4),
            "train_loss": round(trained.loss, 4),
            "losses": progress.losses,
            "steps": trained.steps,
            "rows": len(examples),
            "rows_left_out": left_out,
            "heldout_rows": len(held_examples),
            "heldout_rows_left_out": held_left_out,
            "tokens": sum(len(e.ids) for e in examples),
            "seconds": round(time.monotonic() - began, 1),
            "device": device,
            "changes": changes,
            "dtype": str(base_weights.pick_dtype(recipe.dtype, device)).removeprefix("torch."),
        },
    )
    write_json(aside / "manifest.json", {"files": _manifest(aside)})
    shutil.rmtree(out, ignore_errors=True)
    aside.rename(out)
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    (folder / PLAN_FILE).unlink(missing_ok=True)
    progress.phase("done")


def _require(examples: Sequence[Example], path: Path, recipe: Recipe) -> None:
    if not examples:
        raise BadInput(
            f"{path} holds no row of at most {recipe.sequence_length} tokens",
            "write more, or raise sequence_length in the recipe",
        )


def _save_adapter(model: Any, folder: Path, spec: Spec) -> None:
    """The adapter as PEFT saves it, naming the base instead of a path on this machine."""
    with base_weights.quiet_transformers():
        model.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, {**config, "base_model_name_or_path": spec.base_name})


def _dense(weights: Path, recipe: Recipe, adapter: Path) -> Any:
    """The model that says what is right: the saved adapter on the base's own weights.

    4-bit training weights are further from the GGUF than llama.cpp is, which would hide small faults; only a base that
    may not fit in memory as it is has to be compared as it was trained.
    """
    from peft import PeftModel

    dense = base_weights.load_model(weights, replace(recipe, method="lora", dtype="float32"), "cpu")
    with base_weights.quiet_transformers():
        return PeftModel.from_pretrained(dense, str(adapter))


def _probes(held: Sequence[Row], encoded: Sequence[Example], chat: ChatFormat) -> list[Probe]:
    texts = {row.id: chat.conversation(row.messages) for row in held}
    return [Probe(texts[e.id], e.ids, e.start) for e in encoded[:_PROBES]]


def _manifest(folder: Path) -> dict[str, dict[str, Any]]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): {"sha256": sha256_of(p), "bytes": p.stat().st_size} for p in files}


def _explain(error: Exception) -> TonewrightError:
    """`error` for the author: memory and disk space come back, anything else is a bug for the log."""
    text = str(error) or type(error).__name__
    if out_of_memory(error):
        return TryLater(
            "the training ran out of memory",
            "close other programs, or lower sequence_length or batch in the recipe",
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return TryLater("the disk is full", f"make room on the disk of {os.fspath(error.filename or 'the job folder')}")
    traceback.print_exception(error)
    return TonewrightError(f"the training job failed with {type(error).__name__}: {text.splitlines()[0]}")
