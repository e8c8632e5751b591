"""The one Huey object. It carries event ids and nothing else: the ledger holds the work.

Huey removes a task before it runs it, so a killed worker loses the task; that is why nothing depends on one. An id
that gets lost is rung again by the sweeper (`tasks/sweeper.py`).
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huey import SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

from tonewright.events import NOTE, PAIR, POST, PUSH, TAG

if TYPE_CHECKING:
    from tonewright.workspace import Workspace

log = logging.getLogger("tonewright.tasks")

# What was just written comes before what a model has to think about.
MOST = 200  # ids rung at once: a backfill's thousands would each cost a write, and the sweeper finds them anyway
PRIORITY = {POST: 3, NOTE: 3, PUSH: 3, TAG: 2, PAIR: 1}


class JsonSerializer(Serializer):  # type: ignore[misc]  # huey ships no types
    """Messages as JSON. Huey's own pickles would run as code whatever somebody writes into the queue file."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(list(data)).encode()

    def _deserialize(self, data: bytes) -> Message:
        return Message(*json.loads(data))


def connect(workspace: Workspace) -> SqliteHuey:
    """The queue of this workspace, with its one task registered."""
    return _connect(workspace.folder() / "huey.db", workspace.root)


@functools.cache
def _connect(file: Path, root: Path) -> SqliteHuey:
    from tasks.run import run_event
    from tonewright.workspace import open_workspace

    huey = SqliteHuey(
        "tonewright", filename=str(file), results=False, serializer=JsonSerializer(), timeout=30, utc=True
    )
    file.chmod(0o600)
    workspace = functools.cache(lambda: open_workspace(root))

    @huey.task(name="run_event")  # type: ignore[untyped-decorator]
    def run(event: int) -> None:
        ring(workspace(), run_event(workspace(), event))

    huey.run_event = run
    return huey


def ring(workspace: Workspace, events: Iterable[int]) -> None:
    """Put ids on the queue, best effort: what cannot be rung now is found by the sweeper."""
    try:
        huey = connect(workspace)
        for event, kind in _kinds(workspace, list(events)[:MOST]):
            huey.run_event(event, priority=PRIORITY.get(kind, 0))
    except Exception as e:  # the events are safe in the ledger, whatever happens to a doorbell
        log.warning("the queue could not be rung (%s); the sweeper will", e)


def _kinds(workspace: Workspace, events: list[int]) -> list[tuple[int, str]]:
    rows = workspace.ledger.read(
        "SELECT id, kind FROM events WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", (json.dumps(events),)
    )
    return [(row[0], row[1]) for row in rows]
