"""The Huey objects. They carry event ids and nothing else: the ledger holds the work.

Huey removes a task before it runs it, so a killed worker loses the task; that is why nothing depends on one. An id
that gets lost is rung again by the sweeper (`tasks/sweeper.py`), and losing a whole Redis costs that much time only.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from huey import PriorityRedisHuey, SqliteHuey
from huey.api import Huey
from huey.exceptions import ConfigurationError
from huey.registry import Message
from huey.serializer import Serializer

from tonewright.config.schema import SQLITE
from tonewright.errors import Missing
from tonewright.events import NOTE, PAIR, POST, PROSODY, PUSH, REVISION, TAG

if TYPE_CHECKING:
    from tonewright.workspace import Workspace

log = logging.getLogger("tonewright.tasks")

# Two queues: most events need the blog's own files, and some only think, so a machine that lends a hand can take them.
HERE, ANYWHERE = "here", "anywhere"
THINKING = (TAG, PAIR)
MOST = 200  # ids rung at once: a backfill's thousands would each cost a write, and the sweeper finds them anyway
PRIORITY = {POST: 3, NOTE: 3, PUSH: 3, TAG: 2, PAIR: 1, PROSODY: 1, REVISION: 1}  # what was just written comes first


class JsonSerializer(Serializer):  # type: ignore[misc]  # huey ships no types
    """Messages as JSON. Huey's own pickles would run as code whatever somebody writes into the queue."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(list(data)).encode()

    def _deserialize(self, data: bytes) -> Message:
        return Message(*json.loads(data))


def connect(workspace: Workspace, line: str) -> Huey:
    """The queue called `line` (HERE or ANYWHERE) of this workspace, with its one task registered.

    Raises `Missing` when the queue is on Redis and its client is not installed.
    """
    name = f"tonewright{hashlib.sha256(str(workspace.root).encode()).hexdigest()[:8]}{line}"
    known = (workspace.config.queue, str(workspace.state), name)
    if known not in _queues:
        _queues[known] = _make(workspace, name)
    return _queues[known]


_queues: dict[tuple[str, str, str], Huey] = {}


def _make(workspace: Workspace, name: str) -> Huey:
    from tonewright.workspace import open_workspace

    settings = {"results": False, "serializer": JsonSerializer(), "utc": True}
    if workspace.config.queue == SQLITE:
        file = workspace.folder() / "huey.db"
        huey = SqliteHuey(name, filename=str(file), timeout=30, **settings)
        file.chmod(0o600)
    else:
        try:
            huey = PriorityRedisHuey(name, url=workspace.config.queue, **settings)
        except ConfigurationError as e:
            raise Missing("Redis's client is not installed", "pip install 'tonewright[redis]'") from e
    root = workspace.root
    # A task must not hold on to a ledger that its caller may close; a lent one lasts as long as its connection.
    opened: Callable[[], Workspace] = (
        (lambda: workspace) if workspace.lent else functools.cache(lambda: open_workspace(root))
    )

    @huey.task(name="run_event")  # type: ignore[untyped-decorator]
    def run(event: int) -> None:
        from tasks.run import run_event

        ring(opened(), run_event(opened(), event))

    huey.run_event = run
    return huey


def ring(workspace: Workspace, events: Iterable[int]) -> None:
    """Put ids on the queues, best effort: what cannot be rung now is found by the sweeper."""
    try:
        # The gate in front of a hosted model needs the blog's own files.
        hosted = {TAG: workspace.config.tagger.use == "hosted", PAIR: workspace.config.pairs.use == "hosted"}
        for event, kind in _kinds(workspace, list(events)[:MOST]):
            line = ANYWHERE if kind in THINKING and not hosted[kind] else HERE
            connect(workspace, line).run_event(event, priority=PRIORITY.get(kind, 0))
    except Exception as e:  # the events are safe in the ledger, whatever happens to a doorbell
        log.warning("the queue could not be rung (%s); the sweeper will", e)


def _kinds(workspace: Workspace, events: list[int]) -> list[tuple[int, str]]:
    if not events:
        return []
    rows = workspace.ledger.read(
        "SELECT id, kind FROM events WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", (json.dumps(events),)
    )
    return [(row[0], row[1]) for row in rows]
