"""One training run, from a job folder to an adapter: the whole course of it on one page.

    python -m tonewright.training JOBDIR

JOBDIR holds spec.json, train.jsonl and heldout.jsonl, and preference.jsonl where there are corrections for a second
stage. While it runs, progress.json tells where it is; at the end there is out/ with adapter/, adapter.gguf,
reference.npz, metrics.json and manifest.json, or error.txt with one sentence. Started again, it goes on from its last
checkpoint, and does nothing when out/ is there already. An adapter of a method that GGUF cannot carry is left to PEFT:
no adapter.gguf, no reference.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tonewright.errors import TonewrightError, TryLater
from tonewright.gguf.adapter import write_adapter
from tonewright.gguf.parity import Probe, write_reference
from tonewright.models.base import sha256_of
from tonewright.models.chat import ChatFormat
from tonewright.training import base_weights, preference, trainer
from tonewright.training.files import write_json, write_whole
from tonewright.training.fitting import (
    CHECKPOINTS,
    PLAN_FILE,
    SECOND_CHECKPOINTS,
    out_of_memory,
    step_down,
    step_down_second,
)
from tonewright.training.progress import ProgressFile
from tonewright.training.recipe import CARRIED, Recipe
from tonewright.training.rows import Example, Row
from tonewright.training.shape import DENSE_LIMIT
from tonewright.training.work import Work, prepare

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
    work = prepare(folder, progress)
    trained = _train(work, progress)
    _export(work, trained.model, aside, progress)
    seconds = round(time.monotonic() - began, 1)
    write_json(aside / "metrics.json", {**_metrics(work, trained, progress), "seconds": seconds})
    write_json(aside / "manifest.json", {"files": _manifest(aside)})
    shutil.rmtree(out, ignore_errors=True)
    aside.rename(out)
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    (folder / PLAN_FILE).unlink(missing_ok=True)
    progress.phase("done")


@dataclass(frozen=True)
class _Trained:
    """A trained model and its losses on the held-out rows; `between` the stages only where there is a second."""

    model: Any
    device: str
    before: float
    after: float
    first: trainer.Trained
    between: float | None = None
    second: trainer.Trained | None = None


def _train(work: Work, progress: ProgressFile) -> _Trained:
    """Both stages of the adapter, measured on the held-out rows before and after."""
    recipe = work.fit.recipe
    progress.phase("load")
    device = base_weights.pick_device()
    model = trainer.add_adapter(base_weights.load_model(work.weights, recipe, device), recipe)
    progress.phase("measure")
    try:
        before = trainer.mean_nll(model, work.held_blocks)
        first = trainer.train(model, work.blocks, recipe, work.folder / CHECKPOINTS, progress.write)
    except (MemoryError, RuntimeError) as e:
        if out_of_memory(e):
            step_down(work.folder, work.fit, work.longest)
        raise
    progress.phase("measure")
    after = trainer.mean_nll(model, work.held_blocks)
    trained = _Trained(model, device, before, after, first)
    return _train_second(work, trained, progress) if work.pairs else trained


def _train_second(work: Work, trained: _Trained, progress: ProgressFile) -> _Trained:
    """`trained`, gone on with on the preference pairs."""
    assert work.fit.second is not None
    progress.phase("preference")
    folder = work.folder / SECOND_CHECKPOINTS
    try:
        second = preference.train(trained.model, work.pairs, work.fit.second, work.weights, folder, progress.write)
    except (MemoryError, RuntimeError) as e:
        if out_of_memory(e):
            step_down_second(work.folder, work.fit, work.pair_lengths)
        raise
    progress.phase("measure")
    after = trainer.mean_nll(trained.model, work.held_blocks)
    return replace(trained, between=trained.after, after=after, second=second)


def _export(work: Work, model: Any, aside: Path, progress: ProgressFile) -> None:
    """The adapter for PEFT, and where its method allows it for llama.cpp, with what the trainer says of it."""
    progress.phase("export")
    trainer.save_adapter(model, aside / "adapter", work.spec.base_name)
    if work.fit.recipe.method not in CARRIED:
        return
    notes = {"run": work.spec.run, "base.name": work.spec.base_name, "base.sha256": work.spec.sha256}
    write_adapter(aside / "adapter", work.spec.base, aside / "adapter.gguf", notes=notes)
    progress.phase("reference")
    if work.shape.dense_bytes <= DENSE_LIMIT:
        model = _dense(work.weights, work.fit.recipe, aside / "adapter")
    write_reference(model, _probes(work.held, work.held_examples, work.chat), aside / "reference.npz")


def _metrics(work: Work, trained: _Trained, progress: ProgressFile) -> dict[str, Any]:
    """What is known of the run in figures."""
    return {
        "run": work.spec.run,
        "heldout_loss_before": round(trained.before, 4),
        "heldout_loss_after": round(trained.after, 4),
        "train_loss": round(trained.first.loss, 4),
        "losses": progress.losses,
        "steps": trained.first.steps,
        "rows": len(work.examples),
        "rows_left_out": work.left_out,
        "heldout_rows": len(work.held_examples),
        "heldout_rows_left_out": work.held_left_out,
        "tokens": sum(len(e.ids) for e in work.examples),
        "device": trained.device,
        "changes": progress.changes,
        "dtype": str(base_weights.pick_dtype(work.fit.recipe.dtype, trained.device)).removeprefix("torch."),
        **_preference_metrics(work, trained, progress),
    }


def _preference_metrics(work: Work, trained: _Trained, progress: ProgressFile) -> dict[str, Any]:
    """The second stage in figures; nothing without one."""
    if trained.second is None or trained.between is None:
        return {}
    figures = {
        "pairs": len(work.pairs),
        "pairs_left_out": work.pairs_left_out,
        "steps": trained.second.steps,
        "loss": round(trained.second.loss, 4),
        "heldout_loss_before": round(trained.between, 4),
        "losses": progress.preference,  # [step, loss, reward accuracy, reward margin]
    }
    return {"preference": figures}


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
