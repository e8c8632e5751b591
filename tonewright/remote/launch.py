"""Starts the training where it runs: by itself, or through `accelerate launch` with one process for each GPU.

    python -m tonewright.remote.launch JOBDIR

Of several processes the first works in the job's folder, and what it writes is what the host sees. The others take
their share of every batch in folders of their own below it, from the same inputs and checkpoints; what they write is
thrown away.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

from tonewright import process
from tonewright.errors import Missing
from tonewright.training.fitting import CHECKPOINTS, PLAN_FILE
from tonewright.training.job import main as train

SHARED = ("spec.json", "train.jsonl", "heldout.jsonl", "preference.jsonl", "blobs", CHECKPOINTS, PLAN_FILE)
ASK_SECONDS = 0.2


def main(words: list[str]) -> int:
    """Train, as one of many or alone; the exit code is the trainer's."""
    job, rank = Path(words[0]).resolve(), os.environ.get("RANK")
    done = (job / "out" / "manifest.json").is_file()
    if rank is None:
        processes = 1 if done else gpus()
        if processes > 1:
            os.execv(sys.executable, command(job, processes))  # noqa: S606 - in our place, so that signals reach it
        return train([str(job)])
    if rank != "0" and done:
        return 0
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    return train([str(job if rank == "0" else beside(job, rank))])


def gpus() -> int:
    """How many GPUs the driver shows, or as many as CUDA_VISIBLE_DEVICES leaves of them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([word for word in visible.split(",") if word.strip()])
    try:
        told = process.run(["nvidia-smi", "-L"], check=False).stdout.splitlines()
    except Missing:
        return 0
    return sum(line.startswith("GPU ") for line in told)


def command(job: Path, processes: int) -> list[str]:
    """The command line that starts this module once for each GPU of one machine, on a free port."""
    options = ["--multi_gpu", "--num_processes", str(processes), "--num_machines", "1", "--main_process_port", "0"]
    as_recipe = ["--mixed_precision", "no", "--dynamo_backend", "no"]  # the recipe says which dtype is used
    launcher = [sys.executable, "-m", "accelerate.commands.launch", *options, *as_recipe]
    return [*launcher, "-m", "tonewright.remote.launch", str(job)]


def beside(job: Path, rank: str) -> Path:
    """A folder for process `rank` that borrows what the first one reads, once that has settled what it will do."""
    own = job / "ranks" / rank
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    (job / CHECKPOINTS).mkdir(exist_ok=True)
    while not (job / PLAN_FILE).is_file():
        time.sleep(ASK_SECONDS)
    for name in SHARED:
        (own / name).symlink_to(job / name)
    return own


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
