"""Two processes of a real `accelerate launch` train what one process trains; there is no GPU in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Tell
from tests.integration.ml.conftest import LEARN, Small

TWO = "#!/bin/sh\necho 'GPU 0: NVIDIA H200 (UUID: GPU-0)'\necho 'GPU 1: NVIDIA H200 (UUID: GPU-1)'\n"


@pytest.mark.proof
@pytest.mark.train
@pytest.mark.timeout(600)
def test_two_processes_learn_what_one_learns(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    """With a driver that shows two GPUs, every loss is that of one process with the same rows in each step."""
    recipe = replace(LEARN, dtype="float32", batch=1, accumulation=2, max_steps=3, sequence_length=96)
    losses = {}
    for name in ("one", "two"):
        job = small.job(tmp_path / name, recipe)
        words = [sys.executable, "-m", "tonewright.remote.launch", str(job)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=400, check=False)
        assert done.returncode == 0, done.stderr
        metrics = json.loads((job / "out" / "metrics.json").read_text())
        losses[name] = [loss for _, loss in metrics["losses"]] + [metrics["heldout_loss_after"]]
        assert (job / "ranks").is_dir() == (name == "two")
        driver = tmp_path / "bin" / "nvidia-smi"
        driver.parent.mkdir(exist_ok=True)
        driver.write_text(TWO)
        driver.chmod(0o755)
        monkeypatch.setenv("PATH", f"{driver.parent}:{os.environ['PATH']}")
        monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    worst = max(abs(one - two) for one, two in zip(losses["one"], losses["two"]))
    tell(f"two processes and one: {len(losses['one'])} losses differ by {worst:.1e} at most")
    assert worst < 1e-3
