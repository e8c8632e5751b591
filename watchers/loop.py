"""The watcher process: wait for a doorbell or the clock, scan everything, ring the queue."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from hooks import commits, pushes
from tasks.queue import ring
from tonewright.errors import TonewrightError
from tonewright.repository import Repository
from tonewright.workspace import Workspace
from watchers import scan
from watchers.observe import Bell, observe
from watchers.settle import Settling

log = logging.getLogger("tonewright.watchers")
ARRIVING_SECONDS = 1.0  # how soon to look again while a file is still settling
SPACING_SECONDS = 0.5  # a burst of doorbells is one scan


def log_problem(problem: TonewrightError) -> None:
    """What the watcher process does with a source that cannot be read: say so, and look again next time."""
    log.warning("%s", problem)


def scan_all(
    workspace: Workspace,
    settling: Settling,
    progress: commits.Progress | None = None,
    on_problem: Callable[[TonewrightError], None] = log_problem,
) -> list[int]:
    """Look at every source once; returns the ids of new events. What one source cannot do, the others still do."""
    added: list[int] = []
    looks: list[Callable[[], list[int]]] = [
        lambda: commits.scan(workspace, Repository(workspace.root), progress),
        lambda: pushes.scan(workspace, Repository(workspace.root)),
    ]
    looks += [lambda f=f: scan.scan(workspace, f, settling) for f in scan.folders(workspace)]  # type: ignore[misc]
    for look in looks:
        try:
            added += look()
        except TonewrightError as e:
            on_problem(e)
    return added


def run(workspace: Workspace, stopped: Callable[[], bool]) -> None:
    """Scan until `stopped` says so."""
    bell = Bell()
    settling = Settling(workspace.config.notes.settle_seconds)
    roots = [workspace.spool, *(f.root for f in scan.folders(workspace))]
    for remark in observe(roots, bell):
        log.info("%s", remark)
    while not stopped():
        added = scan_all(workspace, settling)
        if added:
            log.info("%d new event%s", len(added), "s" * (len(added) != 1))
            ring(workspace, added)
        _pause(bell, settling, workspace.config.watch.rescan_seconds, stopped)


def _pause(bell: Bell, settling: Settling, rescan: float, stopped: Callable[[], bool]) -> None:
    end = time.monotonic() + (ARRIVING_SECONDS if settling.arriving else rescan)
    while not stopped() and time.monotonic() < end:
        if bell.wait(min(1.0, max(0.0, end - time.monotonic()))):
            time.sleep(SPACING_SECONDS)
            return
