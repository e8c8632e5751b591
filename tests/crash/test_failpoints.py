"""Dying, or a full disk, at every single change that the ledger, an export or a promotion makes to a file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Tell

HERE = Path(__file__).parent
SEEDS = 5
WORKERS = 2


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled `failpoints.c`."""
    if not sys.platform.startswith("linux"):
        pytest.skip("failpoints.c makes system calls by Linux's numbers")
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler (`cc`)")
    library = tmp_path_factory.mktemp("failpoints") / "failpoints.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, HERE / "failpoints.c"], check=True)
    return library


def sweep(
    shim: Path, folder: Path, mode: str, *, story: str = "corpus", first: int = 1, step: int = 1, seeds: int = 1
) -> dict[str, int]:
    """The sums over every `step`-th point, shared by `WORKERS` processes."""
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.crash.failpoint_sweep", str(folder / f"{story}-{mode}-{share}")),
                *("--mode", mode, "--story", story, "--first", str(first + share * step)),
                *("--step", str(step * WORKERS), "--seeds", str(seeds)),
            ],
            cwd=REPOSITORY,
            env={**os.environ, "LD_PRELOAD": str(shim)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in range(WORKERS)
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * WORKERS
    found = [json.loads(output) for output in outputs]
    return {name: sum(share[name] for share in found) for name in found[0]}


def assert_whole(sums: dict[str, int]) -> None:
    """Nothing torn, nothing lost, the same end as without an interruption, and no other exception on the way."""
    assert {name: sums[name] for name in ("torn", "lost", "differences", "failed")} == {
        "torn": 0,
        "lost": 0,
        "differences": 0,
        "failed": 0,
    }


def test_dying_at_some_points(shim: Path, tmp_path: Path) -> None:
    """A process that dies in the middle of a change leaves no harm; `make proof` tries every point five times."""
    sums = sweep(shim, tmp_path, "die", first=4, step=15)
    assert sums["points"] > 20
    assert_whole(sums)


def test_a_full_disk_at_some_points(shim: Path, tmp_path: Path) -> None:
    """A disk that is full for one call or from one call on is told in a sentence, and the work is finished later."""
    sums = sweep(shim, tmp_path, "full", first=7, step=15)
    assert sums["said"] > 20
    assert_whole(sums)


def test_the_harness_can_tell_a_torn_file(shim: Path, tmp_path: Path) -> None:
    """The negative control: a file that is written in place is torn by the same deaths."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.failpoint_sweep", tmp_path / "control", "--mode", "control"],
        cwd=REPOSITORY,
        env={**os.environ, "LD_PRELOAD": str(shim)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["torn"] > 0


@pytest.mark.proof
@pytest.mark.timeout(1200)
def test_every_point(shim: Path, tmp_path: Path, tell: Tell) -> None:
    """Every change to a file is once the last one, and once the one for which there is no space, in five ways."""
    died = sweep(shim, tmp_path, "die", seeds=SEEDS)
    full = sweep(shim, tmp_path, "full", seeds=SEEDS)
    tell(
        f"failpoints: {died['points']} points × {SEEDS} seeds, {died['torn']} torn lines, "
        f"{died['lost']} lost, {died['differences']} differences; "
        f"full disk: {full['points']} points × {SEEDS} seeds, {full['torn']} torn lines, "
        f"{full['lost']} lost, {full['differences']} differences"
    )
    assert died["points"] > 300
    assert_whole(died)
    assert_whole(full)


def test_dying_at_some_points_of_a_retrain(shim: Path, tmp_path: Path) -> None:
    """A few of the deaths that the proof below goes through."""
    assert_whole(sweep(shim, tmp_path, "die", story="retrain", first=5, step=160))


@pytest.mark.proof
@pytest.mark.timeout(1200)
def test_points_of_a_retrain(shim: Path, tmp_path: Path, tell: Tell) -> None:
    """A worker that dies between snapshot and promotion is followed by one that brings the same run to its end, once.

    Every seventh change to a file or to the ledger is once the last one, from the snapshot to the promotion.
    """
    sums = sweep(shim, tmp_path, "die", story="retrain", step=7)
    tell(
        f"failpoints of a retrain (snapshot, upload, start, poll, fetch, export, promote): {sums['points']} deaths, "
        f"{sums['lost']} lost, {sums['differences']} differences, {sums['failed']} failed"
    )
    assert sums["points"] > 100
    assert_whole(sums)
