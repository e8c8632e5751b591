"""What a run tells of itself stays small, and a run that goes on keeps what was told before."""

from __future__ import annotations

import json
from pathlib import Path

from tonewright.training.progress import MOST_POINTS, Progress, ProgressFile


def test_a_long_curve_keeps_its_shape_in_few_points(tmp_path: Path) -> None:
    """A thousand steps become at most two hundred points, from the first to the last, still falling."""
    progress = ProgressFile(tmp_path / "progress.json")
    for step in range(1, 1001):
        progress.write(Progress("train", step=step, steps=1000, loss=3 - step / 500))
    told = json.loads((tmp_path / "progress.json").read_text())["losses"]
    losses = [loss for _, loss in told]
    assert len(told) <= MOST_POINTS
    assert told[-1][0] == 1000
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 2.9


def test_going_on_from_a_checkpoint_takes_up_the_curve(tmp_path: Path) -> None:
    """Steps after the checkpoint are told again, once; another phase does not lose them."""
    first = ProgressFile(tmp_path / "progress.json")
    for step in range(1, 8):
        first.write(Progress("train", step=step, steps=10, loss=float(step)))
    again = ProgressFile(tmp_path / "progress.json")
    again.write(Progress("train", step=5, steps=10, loss=50.0))
    again.phase("export")
    told = json.loads((tmp_path / "progress.json").read_text())
    assert told["losses"] == [[1, 1.0], [2, 2.0], [3, 3.0], [4, 4.0], [5, 50.0]]
    assert told["phase"] == "export"
