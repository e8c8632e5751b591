"""Rings again whatever should be worked on and is not: after a crash, a lost task, a back-off, a wait."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from tasks.queue import ring
from tasks.workers import living
from tonewright.ledger.leases import due, release_dead
from tonewright.workspace import Workspace

log = logging.getLogger("tonewright.tasks")
PATIENCE_SECONDS = 30.0  # a rung event that is still due after this long has lost its doorbell


@dataclass
class Sweeper:
    """Remembers what it rang, so that a long queue is not rung over and over."""

    workspace: Workspace
    rung: dict[int, float] = field(default_factory=dict)

    def sweep(self) -> int:
        """One pass; returns how many events were rung."""
        freed = release_dead(self.workspace.ledger, living(self.workspace))
        if freed:
            log.info("%d event%s taken up again after a worker died", len(freed), "s" * (len(freed) != 1))
        now = time.monotonic()
        waiting = due(self.workspace.ledger)
        self.rung = {e: at for e, at in self.rung.items() if e in set(waiting)}
        late = [e for e in waiting if e in freed or now - self.rung.get(e, -PATIENCE_SECONDS) >= PATIENCE_SECONDS]
        ring(self.workspace, late)
        self.rung |= dict.fromkeys(late, now)
        return len(late)
