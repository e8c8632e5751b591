"""When a file is ready: quiet for a while by our own clock, over at least two looks.

Sizes and times alone prove nothing: `cp -p` keeps an old time, a preallocated file has its final size at once, and
some writers close the file between bursts. Comparing signatures over our clock covers them all. A file that is not
there any more settles in the same way: an editor that saves takes the old file away before it puts the new one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field


def signature(status: os.stat_result) -> str:
    """What changes whenever the file's content may have: size, both times, and which file it is."""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


@dataclass
class Settling:
    """Remembers since when each file has looked the same."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    _since: dict[Hashable, tuple[str, float]] = field(default_factory=dict)

    def quiet_for(self, file: Hashable, seen: str) -> float:
        """Seconds that `file` has had signature `seen`; 0.0 at the first look or after a change."""
        now = self.clock()
        before = self._since.get(file)
        if before is None or before[0] != seen:
            self._since[file] = (seen, now)
            return 0.0
        return now - before[1]

    def keep(self, wanted: Callable[[Hashable], bool]) -> None:
        """Stop following every file that is not `wanted`: it was taken, or went away before it was ready."""
        self._since = {file: since for file, since in self._since.items() if wanted(file)}

    @property
    def due_in(self) -> float | None:
        """Seconds until the next file becomes quiet if nothing changes; None when no file is about to.

        One that has been quiet for long enough waits for something else than time, and does not count.
        """
        now = self.clock()
        left = (self.seconds - (now - since) for _, since in self._since.values())
        return min((seconds for seconds in left if seconds > 0), default=None)

    @property
    def arriving_soon(self) -> bool:
        """Whether some file may become quiet within the next `seconds`."""
        return self.due_in is not None
