"""Killing workers, watchers and the trainer while a model is being made: one run, one model, one verdict."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import NO_MODEL, Blog, Tell, children

KILLS = 12


def victims(up: int, host: Path) -> dict[str, list[int]]:
    """Processes of the tree below `up` and trainers whose job lies below `host`: other tests' trainers must live."""
    trainers = []
    for commands in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = commands.read_bytes().decode(errors="replace").split("\0")
            if "tonewright.remote.launch" in words and any(word.startswith(f"{host}/") for word in words):
                trainers.append(int(commands.parent.name))
    workers = children(up)
    return {"worker": workers, "trainer": [pid for pid in trainers if pid not in workers]}


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_retrain_survives_kills(blog: Blog, cache: Path, tmp_path: Path, tell: Tell) -> None:
    """Twelve kills between commit and verdict: the job is done once, by one run, with nothing left over."""
    blog.small_retrain("max_steps = 12\ncheckpoint_steps = 2\n", more=NO_MODEL)
    rng = random.Random(5)
    kills = {"worker": 0, "trainer": 0}
    with (tmp_path / "up.log").open("w") as log:
        up = subprocess.Popen([sys.executable, "-m", "tonewright", "up"], cwd=blog.root, stdout=log, stderr=log)
        try:
            models, end = [], time.monotonic() + 540
            while not models and time.monotonic() < end:
                time.sleep(rng.uniform(1.0, 6.0))
                there = victims(up.pid, cache / "host")
                # The supervisor resumes a trainer twice and then gives up, as it should; workers have no such limit.
                what = "trainer" if there["trainer"] and kills["trainer"] < 2 else "worker"
                if there[what] and sum(kills.values()) < KILLS:
                    os.kill(rng.choice(there[what]), signal.SIGKILL)
                    kills[what] += 1
                models = json.loads(blog.tonewright("model", "list", "--json").out or '{"models": []}')["models"]
        finally:
            up.terminate()
            up.wait(60)
    told = json.loads(blog.tonewright("status", "--json").out)
    assert len(models) == 1, (tmp_path / "up.log").read_text() + json.dumps(told)
    assert sum(told["events"]["retrain"].values()) == 1
    assert told["failed"] == []
    assert json.loads((Path(models[0]["folder"]) / "parity.json").read_text())["ok"] is True
    workspace = blog.workspace()
    assert workspace.ledger.read("SELECT count(*) FROM runs") == [(1,)]
    workspace.ledger.close()
    tell(f"a retrain with {kills['worker']} workers and {kills['trainer']} trainers killed: 1 run, 1 model")
