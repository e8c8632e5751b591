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


def test_the_second_stage_has_a_curve_of_its_own(tmp_path: Path) -> None:
    """Its steps begin at 1 again and leave the first stage's losses alone; a successor takes both up."""
    progress = ProgressFile(tmp_path / "progress.json")
    progress.write(Progress("train", step=1, steps=1, loss=3.0))
    for step in (1, 2):
        second = {"reward_accuracy": step / 2, "reward_margin": step / 10}
        progress.write(Progress("preference", step=step, steps=3, loss=0.6, **second))
    again = ProgressFile(tmp_path / "progress.json")
    again.write(Progress("preference", step=2, steps=3, loss=0.5, reward_accuracy=0.75, reward_margin=0.3))
    told = json.loads((tmp_path / "progress.json").read_text())
    assert told["losses"] == [[1, 3.0]]
    assert told["preference"] == [[1, 0.6, 0.5, 0.1], [2, 0.5, 0.75, 0.3]]


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
