"""Makes a run fit the machine that it is on: planned once, and made smaller when the memory runs out after all."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NoReturn

from tonewright.errors import TryLater
from tonewright.training import base_weights
from tonewright.training.files import write_json
from tonewright.training.plan import Facts, plan, second_shrinkings, shrinkings
from tonewright.training.recipe import Recipe, recipe_from
from tonewright.training.shape import Shape

PLAN_FILE, CHECKPOINTS = "plan.json", "checkpoints"
SECOND_CHECKPOINTS = f"{CHECKPOINTS}/preference"
# What the allocators of CUDA, of PyTorch on a processor, of oneDNN and of C++ say when there is no more.
_WORDS = ("out of memory", "allocate memory", "not enough memory", "could not create a memory object", "bad_alloc")


@dataclass(frozen=True)
class Fit:
    """What a run is trained with: both stages' recipes (`second` is None without one), and how they differ from what
    the author asked for."""

    recipe: Recipe
    second: Recipe | None
    changes: tuple[str, ...]


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


def fitted(folder: Path, shape: Shape, recipe: Recipe, lengths: Sequence[int], pairs: Sequence[int]) -> Fit:
    """The version of `recipe` that this run is trained with; `lengths` and `pairs` are `plan`'s.

    Decided when the run in `folder` starts for the first time and kept in plan.json, so that it goes on as it began
    whatever is free later. Raises `TryLater` when not even the smallest version fits now.
    """
    file = folder / PLAN_FILE
    if file.is_file():
        kept = json.loads(file.read_text(encoding="utf-8"))
        second = recipe_from(kept["second"], str(file)) if kept["second"] else None
        return Fit(recipe_from(kept["recipe"], str(file)), second, tuple(kept["changes"]))
    found = plan(shape, recipe, facts_here(folder), lengths, pairs=pairs, converts=False)
    if not found.fits:
        raise TryLater(found.why, "close other programs, or choose a smaller recipe or base")
    fit = Fit(found.recipe, found.second, found.changes)
    _keep(folder, fit)
    return fit


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that memory could not be had: CUDA's, PyTorch's for the processor, or Python's."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | OSError) and any(words in text for words in _WORDS)
    )


def goes_on(before: Recipe, after: Recipe) -> bool:
    """Whether `after` can take up a checkpoint of `before`: the same blocks in the same steps, the same adapter."""
    return (before.sequence_length, before.rank) == (after.sequence_length, after.rank)


def step_down(folder: Path, fit: Fit, longest: int) -> NoReturn:
    """Write down the next smaller version of the first stage and begin this process anew, from the last checkpoint on.

    Shorter sequences are other blocks, and another rank is another adapter: these begin from the first step. Raises
    `TryLater` when there is no smaller version.
    """
    change, smaller = next(shrinkings(fit.recipe, longest), ("", fit.recipe))
    checkpointing = smaller.gradient_checkpointing
    second = fit.second and replace(
        fit.second,
        rank=smaller.rank,
        alpha=smaller.alpha,
        gradient_checkpointing=checkpointing or fit.second.gradient_checkpointing,
    )
    stale = None if goes_on(fit.recipe, smaller) else folder / CHECKPOINTS
    _begin_anew(folder, change, replace(fit, recipe=smaller, second=second), stale)


def step_down_second(folder: Path, fit: Fit, pairs: Sequence[int]) -> NoReturn:
    """The same for the second stage, whose `pairs` are `plan`'s; what the first one has learned stays."""
    assert fit.second is not None
    change, smaller = next(second_shrinkings(fit.second, pairs), ("", fit.second))
    stale = None if goes_on(fit.second, smaller) else folder / SECOND_CHECKPOINTS
    _begin_anew(folder, change, replace(fit, second=smaller), stale)


def _begin_anew(folder: Path, change: str, fit: Fit, stale: Path | None) -> NoReturn:
    """Keep `fit` and take this process's place; checkpoints in `stale` are of no use to it.

    A new process has neither the holes in memory nor the half-made tensors of this one.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:  # the other processes would wait for this one for ever
        raise TryLater(
            "the training ran out of memory on one of several GPUs", "lower batch or sequence_length in the recipe"
        )
    if not change:
        raise TryLater(
            "the training ran out of memory with the smallest version of its recipe",
            "close other programs, or choose a smaller base",
        )
    if stale:
        shutil.rmtree(stale, ignore_errors=True)
    _keep(folder, replace(fit, changes=(*fit.changes, f"{change}, after it ran out of memory")))
    print(f"out of memory: going on with {change}", file=sys.stderr, flush=True)  # noqa: T201 - the run's log
    os.execv(sys.executable, [sys.executable, "-m", "tonewright.training", str(folder)])  # noqa: S606 - this program


def _keep(folder: Path, fit: Fit) -> None:
    write_json(folder / PLAN_FILE, asdict(fit))
