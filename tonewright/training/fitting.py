"""Makes a run fit the machine that it is on: planned once, and made smaller when the memory runs out after all."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from tonewright.errors import TryLater
from tonewright.training import base_weights
from tonewright.training.files import write_json
from tonewright.training.plan import Facts, plan, shrinkings
from tonewright.training.recipe import Recipe, recipe_from
from tonewright.training.shape import Shape

PLAN_FILE, CHECKPOINTS = "plan.json", "checkpoints"
# What the allocators of CUDA, of PyTorch on a processor, of oneDNN and of C++ say when there is no more.
_WORDS = ("out of memory", "allocate memory", "not enough memory", "could not create a memory object", "bad_alloc")


def facts_here(folder: Path) -> Facts:
    """What this machine has free for a run in `folder`."""
    import psutil
    import torch

    device = base_weights.pick_device()
    return Facts(
        ram_bytes=psutil.virtual_memory().available,
        disk_bytes=shutil.disk_usage(folder).free,
        gpu_bytes=torch.cuda.mem_get_info()[0] if device == "cuda" else 0,
        cores=os.cpu_count() or 1,
        bfloat16=base_weights.pick_dtype("auto", device) is torch.bfloat16,
    )


def fitted(folder: Path, shape: Shape, recipe: Recipe, lengths: Sequence[int]) -> tuple[Recipe, list[str]]:
    """The version of `recipe` that this run is trained with, and how it differs from it.

    Decided when the run in `folder` starts for the first time and kept in plan.json, so that it goes on as it began
    whatever is free later. Raises `TryLater` when not even the smallest version fits now.
    """
    file = folder / PLAN_FILE
    if file.is_file():
        kept = json.loads(file.read_text(encoding="utf-8"))
        return recipe_from(kept["recipe"], str(file)), kept["changes"]
    found = plan(shape, recipe, facts_here(folder), lengths, converts=False)
    if not found.fits:
        raise TryLater(found.why, "close other programs, or choose a smaller recipe or base")
    _keep(folder, found.recipe, list(found.changes))
    return found.recipe, list(found.changes)


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that memory could not be had: CUDA's, PyTorch's for the processor, or Python's."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | OSError) and any(words in text for words in _WORDS)
    )


def goes_on(before: Recipe, after: Recipe) -> bool:
    """Whether `after` can take up a checkpoint of `before`: the same blocks in the same steps, the same adapter."""
    return (before.sequence_length, before.rank) == (after.sequence_length, after.rank)


def step_down(folder: Path, recipe: Recipe, changes: Sequence[str], longest: int) -> NoReturn:
    """Write down the next smaller version of `recipe` and begin this process anew, from the last checkpoint on.

    A new process has neither the holes in memory nor the half-made tensors of this one. Shorter sequences are other
    blocks, and another rank is another adapter: these begin from the first step. Raises `TryLater` when `recipe` is
    the smallest that there is.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:  # the other processes would wait for this one for ever
        raise TryLater(
            "the training ran out of memory on one of several GPUs", "lower batch or sequence_length in the recipe"
        )
    change, smaller = next(shrinkings(recipe, longest), ("", recipe))
    if not change:
        raise TryLater(
            "the training ran out of memory with the smallest version of its recipe",
            "close other programs, or choose a smaller base",
        )
    if not goes_on(recipe, smaller):
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    _keep(folder, smaller, [*changes, f"{change}, after it ran out of memory"])
    print(f"out of memory: going on with {change}", file=sys.stderr, flush=True)  # noqa: T201 - the run's log
    os.execv(sys.executable, [sys.executable, "-m", "tonewright.training", str(folder)])  # noqa: S606 - this program


def _keep(folder: Path, recipe: Recipe, changes: list[str]) -> None:
    kept: dict[str, Any] = {"recipe": asdict(recipe), "changes": changes}
    write_json(folder / PLAN_FILE, kept)
