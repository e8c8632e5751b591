"""progress.json: what a person or another machine sees of a run while it runs."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tonewright.training.files import write_json

MOST_POINTS = 200  # of a loss curve: more than any screen shows, and little to send at every poll


@dataclass(frozen=True)
class Progress:
    """One state of a run. `learning_rate` and speed are 0 and `loss` is None while nothing learns.

    In the phase "preference" `reward_accuracy` is the share of this step's pairs whose chosen side has gained on the
    rejected one, and `reward_margin` by how much: beta times the difference of their gains in log-probability.
    """

    phase: str
    step: int = 0
    steps: int = 0
    loss: float | None = None
    learning_rate: float = 0.0
    tokens_per_second: float = 0.0
    eta_seconds: float | None = None
    reward_accuracy: float | None = None
    reward_margin: float | None = None


class ProgressFile:
    """Writes each state to one file, whole or absent, with the losses so far as [step, loss], and those of the second
    stage, where there is one, as [step, loss, reward accuracy, reward margin].

    A run that goes on from a checkpoint takes up the losses that its predecessor wrote, up to that step. `changes` says
    how the run differs from what its recipe asks for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.changes: list[str] = []
        self._every: dict[str, list[list[float]]] = {"losses": [], "preference": []}
        with suppress(OSError, ValueError, TypeError):
            told = json.loads(path.read_text(encoding="utf-8"))
            self._every = {name: [list(point) for point in told.get(name, [])] for name in self._every}

    def phase(self, name: str) -> None:
        """A new phase begins."""
        self.write(Progress(name))

    def write(self, progress: Progress) -> None:
        """Replace what the file says, with the time of writing in seconds since 1970."""
        if progress.loss is not None:
            second = progress.phase == "preference"
            curve = "preference" if second else "losses"
            rewards = (progress.reward_accuracy or 0.0, progress.reward_margin or 0.0) if second else ()
            before = [point for point in self._every[curve] if point[0] < progress.step]
            values = [round(value, 4) for value in (progress.loss, *rewards)]
            self._every[curve] = [*before, [progress.step, *values]]
        told: dict[str, Any] = {"changes": self.changes} if self.changes else {}
        if self.preference:
            told["preference"] = self.preference
        write_json(self._path, {**asdict(progress), "losses": self.losses, **told, "at": round(time.time(), 1)})

    @property
    def losses(self) -> list[list[float]]:
        """The curve in at most `MOST_POINTS` points: [last step, mean loss] of equally many steps each."""
        return _thinned(self._every["losses"])

    @property
    def preference(self) -> list[list[float]]:
        """The second stage's curve: [last step, mean loss, mean reward accuracy, mean reward margin]."""
        return _thinned(self._every["preference"])


def _thinned(points: list[list[float]]) -> list[list[float]]:
    width = -(-len(points) // MOST_POINTS) or 1
    parts = [points[i : i + width] for i in range(0, len(points), width)]
    return [[part[-1][0], *(round(sum(v) / len(v), 4) for v in list(zip(*part))[1:])] for part in parts]
