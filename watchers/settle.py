"""When a file is ready: quiet for a while by our own clock, over at least two looks.

Sizes and times alone prove nothing: `cp -p` keeps an old time, a preallocated file has its final size at once, and
some writers close the file between bursts. Comparing signatures over our clock covers them all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def signature(status: os.stat_result) -> str:
    """What changes whenever the file's content may have: size, both times, and which file it is."""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


@dataclass
class Settling:
    """Remembers since when each file has looked the same."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    _since: dict[Path, tuple[str, float]] = field(default_factory=dict)

    def quiet_for(self, path: Path, seen: str) -> float:
        """Seconds that `path` has had signature `seen`; 0.0 at the first look or after a change."""
        now = self.clock()
        before = self._since.get(path)
        if before is None or before[0] != seen:
            self._since[path] = (seen, now)
            return 0.0
        return now - before[1]

    def done(self, path: Path) -> None:
        """Stop following `path`."""
        self._since.pop(path, None)

    @property
    def arriving(self) -> bool:
        """Whether some file is still being followed, so that the next look should come soon."""
        return bool(self._since)

    @property
    def arriving_soon(self) -> bool:
        """Whether some file may become quiet within the next `seconds`; others wait for more than time."""
        return any(self.clock() - since < self.seconds for _, since in self._since.values())
