"""progress.json: what a person or another machine sees of a run while it runs."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tonewright.training.files import write_json

MOST_POINTS = 200  # of a loss curve: more than any screen shows, and little to send at every poll


@dataclass(frozen=True)
class Progress:
    """One state of a run. `learning_rate` and speed are 0 and `loss` is None outside the phase "train"."""

    phase: str
    step: int = 0
    steps: int = 0
    loss: float | None = None
    learning_rate: float = 0.0
    tokens_per_second: float = 0.0
    eta_seconds: float | None = None


class ProgressFile:
    """Writes each state to one file, whole or absent, with the losses so far as [step, loss].

    A run that goes on from a checkpoint takes up the losses that its predecessor wrote, up to that step. `changes` says
    what of the recipe had to shrink to fit the machine.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.changes: list[str] = []
        self._every: list[list[float]] = []
        with suppress(OSError, ValueError, KeyError, TypeError):
            self._every = [[step, loss] for step, loss in json.loads(path.read_text(encoding="utf-8"))["losses"]]

    def phase(self, name: str) -> None:
        """A new phase begins."""
        self.write(Progress(name))

    def write(self, progress: Progress) -> None:
        """Replace what the file says, with the time of writing in seconds since 1970."""
        if progress.loss is not None:
            before = [point for point in self._every if point[0] < progress.step]
            self._every = [*before, [progress.step, round(progress.loss, 4)]]
        told = {"changes": self.changes} if self.changes else {}
        write_json(self._path, {**asdict(progress), "losses": self.losses, **told, "at": round(time.time(), 1)})

    @property
    def losses(self) -> list[list[float]]:
        """The curve in at most `MOST_POINTS` points: [last step, mean loss] of equally many steps each."""
        width = -(-len(self._every) // MOST_POINTS) or 1
        parts = [self._every[i : i + width] for i in range(0, len(self._every), width)]
        return [[part[-1][0], round(sum(loss for _, loss in part) / len(part), 4)] for part in parts]
