"""The whole retrain on a machine behind a real sshd, with the connection cut again and again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import NO_MODEL, Blog, Tell
from tests.integration.remote.conftest import LAPTOP, Sshd
from tonewright.remote.host import HostSettings


@pytest.mark.proof
@pytest.mark.sshd
@pytest.mark.timeout(600)
def test_from_commit_to_verdict_over_ssh(
    blog: Blog, tmp_path: Path, stranger: HostSettings, sshd: Sshd, tell: Tell
) -> None:
    """Cut every few seconds, the run still trains once, comes back whole and is judged once."""
    blog.small_retrain("max_steps = 6\n", "laptop", NO_MODEL + LAPTOP.format(stranger))
    assert blog.tonewright("host", "add", "laptop", "--yes", sshd.fingerprint).code == 0
    with (tmp_path / "up.log").open("w") as log:
        up = subprocess.Popen([sys.executable, "-m", "tonewright", "up"], cwd=blog.root, stdout=log, stderr=log)
        try:
            cuts, models, chance = 0, [], random.Random(7)
            end = time.monotonic() + 540
            while not models and time.monotonic() < end:
                time.sleep(chance.uniform(0.5, 6.0))  # looking at what the host offers takes a few seconds
                cuts += sshd.cut() > 0
                # A host that cannot be reached is asked again in a minute; the author is less patient.
                if late := waiting(blog):
                    blog.tonewright("retry", *late)
                models = json.loads(blog.tonewright("model", "list", "--json").out or '{"models": []}')["models"]
        finally:
            up.terminate()
            up.wait(60)
    assert len(models) == 1, (tmp_path / "up.log").read_text()
    assert json.loads((Path(models[0]["folder"]) / "parity.json").read_text())["ok"] is True
    jobs = list((Path(stranger.root) / "jobs").iterdir())
    assert len(jobs) == 1
    tell(f"a retrain over SSH with {cuts} cuts: 1 run, 1 verdict ({models[0]['verdict']})")


def waiting(blog: Blog) -> list[str]:
    """Retrain events that wait for the host to come back."""
    told = json.loads(blog.tonewright("status", "--json").out)
    return [str(e["event"]) for e in told["waiting"] if e["kind"] == "retrain" and "training on" not in e["note"]]
