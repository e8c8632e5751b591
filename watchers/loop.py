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
from watchers import tagged
from watchers.manifest import folders
from watchers.observe import Bell, Observation, tell
from watchers.scan import scan
from watchers.settle import Settling

log = logging.getLogger("tonewright.watchers")
SPACING_SECONDS = 0.2  # from one scan to the next, however often the doorbell rings
LONGEST_REST_SECONDS = 1.0


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
    looks.append(lambda: tagged.scan(workspace))
    looks += [lambda f=f: scan(workspace, f, settling) for f in folders(workspace)]  # type: ignore[misc]
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
    roots = [workspace.spool, *(f.root for f in folders(workspace))]
    if tagged.folder(workspace).is_dir():  # where it is not, `tonewright tag` and the hook after a pull tell of it
        roots.append(tagged.folder(workspace))
    observation = Observation(roots, bell, workspace.folder("store"))
    while not stopped():
        # Watching begins before the scan, so nothing falls between the two.
        for remark in observation.refresh():
            log.info("%s", remark)
        tell(workspace, observation)
        begun = time.monotonic()
        added = scan_all(workspace, settling)
        if added:
            log.info("%d new event%s", len(added), "s" * (len(added) != 1))
            ring(workspace, added)
        ended = time.monotonic()
        _pause(bell, settling, workspace.config.watch.rescan_seconds, stopped)
        # While files keep coming, half of the time is spent on scans, at most.
        again = max(begun + SPACING_SECONDS, ended + min(ended - begun, LONGEST_REST_SECONDS))
        time.sleep(max(0.0, again - time.monotonic()))


def _pause(bell: Bell, settling: Settling, rescan: float, stopped: Callable[[], bool]) -> None:
    """Until the doorbell rings, a file has settled, or the clock says so."""
    due = settling.due_in
    end = time.monotonic() + (rescan if due is None else min(due, rescan))
    while not stopped() and time.monotonic() < end:
        if bell.wait(min(1.0, max(0.0, end - time.monotonic()))):
            return
