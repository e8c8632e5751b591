"""Installs what training needs on the machine that trains: the command of a job, started by `provision.py`.

    python -m tonewright.remote.install JOBDIR

JOBDIR holds requirements.txt, plan.json (see `provision.Wanted`) and, where that Python brings no pip, pip.zip. It
makes ROOT/venv, fills it and looks whether it works; ROOT/venv/ready.json comes last and says so. What an attempt that
was cut short has installed or downloaded is not fetched again. It starts with the standard library alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path
from typing import Any

from tonewright import process
from tonewright.errors import Missing, TonewrightError, TryLater
from tonewright.remote.job import lock, write

FULL = "No space left on device"
MINUTE = 60.0


def main(words: list[str]) -> int:
    """`check`: print what can be used here. Else do the job in the folder; 0 done, 1 failed with error.txt."""
    if words == ["check"]:
        print(json.dumps(usable()))  # noqa: T201 - the answer
        return 0
    job = Path(words[0]).resolve()
    try:
        install(job, job.parent.parent)
    except (TonewrightError, OSError) as e:
        full = FULL in str(e)
        write(job / "error.txt", f"the disk of {job.parent.parent} is full\n" if full else f"{e}\n")
        return 1
    return 0


def install(job: Path, root: Path) -> None:
    """Make the environment, fill it, try it. Raises `TonewrightError` with what stands in the way."""
    plan, venv = json.loads((job / "plan.json").read_text(encoding="utf-8")), root / "venv"
    busy = [other.name for other in sorted((root / "jobs").iterdir()) if other != job and alive(other)]
    if busy:
        raise TryLater(f"{busy[0]} is at work there with what would be replaced", "try again when it has ended")
    (venv / "ready.json").unlink(missing_ok=True)
    python = venv / "bin" / "python"
    say(job, "making the environment")
    bare = ["--without-pip"] if plan["own_pip"] else []
    process.run([sys.executable, "-m", "venv", *bare, venv], timeout=5 * MINUTE)
    pip = [python, job / "pip.zip" / "pip"] if plan["own_pip"] else [python, "-m", "pip"]
    options = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--only-binary", ":all:"]
    try:
        words = [*pip, "install", *options, *plan["options"], "-r", job / "requirements.txt"]
        for line in process.stream(words, b"\n"):
            told = line.decode("utf-8", "replace").strip()
            print(told, flush=True)  # noqa: T201 - the job's log
            if told.startswith(("Collecting", "Downloading", "Installing")):
                say(job, told[:100])
    except TonewrightError as e:
        raise TonewrightError("pip could not install it", e.remedy) from e
    say(job, "trying it")
    write(venv / "ready.json", json.dumps({"wanted": plan["wanted"], **tried(python, plan)}))


def tried(python: Path, plan: dict[str, Any]) -> dict[str, Any]:
    """What the new environment can use. Raises `Missing` when that is not what the machine has."""
    done = process.run([python, "-m", "tonewright.remote.install", "check"], timeout=5 * MINUTE, check=False)
    if done.returncode:
        raise Missing("what was installed does not start", (done.stderr.strip().splitlines() or ["no word"])[-1])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if plan["gpu"] and not found["gpu"]:
        raise Missing(
            f"the driver shows {plan['gpu']}, and PyTorch {found['torch']} cannot use it",
            "update the NVIDIA driver, or set torch_index to one of PyTorch's indexes for an older CUDA",
        )
    if found["gpu"] and found["bitsandbytes"]:
        raise Missing(f"bitsandbytes does not work with {found['gpu']}", found["bitsandbytes"])
    return found


def usable() -> dict[str, Any]:
    """PyTorch's version and GPU, and what keeps bitsandbytes from quantising on it; our own code has to load too."""
    import torch

    import tonewright.training.job  # noqa: F401 - that it loads is what is asked

    gpu, wrong = (torch.cuda.get_device_name(0) if torch.cuda.is_available() else None), ""
    if gpu:
        try:
            from bitsandbytes.functional import quantize_4bit

            quantize_4bit(torch.ones(64, 64, device="cuda"), quant_type="nf4")
        except Exception as e:  # whatever a library built for another CUDA throws
            wrong = f"{type(e).__name__}: {e}"
    return {"torch": str(torch.__version__), "gpu": gpu, "bitsandbytes": wrong}


def alive(job: Path) -> bool:
    """Whether a process holds the claim of a job."""
    if not (job / "claim").is_file():
        return False
    free = lock(job, fcntl.LOCK_SH)
    if free is not None:
        os.close(free)
    return free is None


def say(job: Path, phase: str) -> None:
    """Tell whoever polls what is being done."""
    write(job / "progress.json", json.dumps({"phase": phase}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
