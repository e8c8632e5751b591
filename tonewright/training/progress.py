"""progress.json: what a person or another machine sees of a run while it runs."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tonewright.training.files import write_json


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
    """Writes each state to one file, whole or absent."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def phase(self, name: str) -> None:
        """A new phase begins."""
        self.write(Progress(name))

    def write(self, progress: Progress) -> None:
        """Replace what the file says, with the time of writing in seconds since 1970."""
        write_json(self._path, {**asdict(progress), "at": round(time.time(), 1)})
