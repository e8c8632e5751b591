"""Watched folders for tests: recordings and posts to put there, and a clock that the test moves."""

from __future__ import annotations

import wave
from pathlib import Path

from tasks.consumer import drain
from tonewright.workspace import Workspace
from watchers.manifest import folders
from watchers.scan import scan
from watchers.settle import Settling

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."


def tone_wav(path: Path, seconds: float = 1.0) -> None:
    """A short recording: a rough 200 Hz wave."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        period = b"".join((12000 if i < 40 else -12000).to_bytes(2, "little", signed=True) for i in range(80))
        out.writeframes(period * int(200 * seconds))


class Watch:
    """A folder of notes and a clock that the test moves."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.now = 0.0
        self.settling = Settling(workspace.config.notes.settle_seconds, clock=lambda: self.now)

    def look(self, after: float = 0.0) -> int:
        """Scan all folders `after` seconds later; returns the number of new events."""
        self.now += after
        return sum(len(scan(self.workspace, f, self.settling)) for f in folders(self.workspace))

    def take(self) -> int:
        """Two looks with enough quiet between them."""
        return self.look() + self.look(after=10)

    def states(self) -> list[tuple[str, str]]:
        drain(self.workspace)
        return self.workspace.ledger.read("SELECT state, note FROM events ORDER BY id")

    def files(self) -> dict[str, tuple[str, str]]:
        return {
            Path(p).name: (s, n) for p, s, n in self.workspace.ledger.read("SELECT path, state, note FROM manifest")
        }

    def live(self) -> list[str]:
        """The names of the live documents' files, after all events have been worked off."""
        drain(self.workspace)
        rows = self.workspace.ledger.read("SELECT path FROM documents WHERE live")
        return sorted(Path(path).name for (path,) in rows)


def post(file: Path, words: str = WORDS) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"---\ntitle: {file.stem}\n---\n\n{words}\n")
    return file


def note(file: Path, seconds: float = 1.0, words: str = WORDS) -> Path:
    """A recording with its transcript."""
    tone_wav(file, seconds)
    file.with_suffix(".txt").write_text(words)
    return file
