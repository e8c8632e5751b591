"""Telling the author: what failed, which files need a look, which model was promoted; each of it once.

`notify.command` is run with one sentence as its last argument and a JSON object on its stdin. However much happened
since the last look, it is one sentence.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tonewright.errors import TonewrightError
from tonewright.events import DONE, FAILED, RETRAIN
from tonewright.process import run
from tonewright.workspace import Workspace

log = logging.getLogger("tonewright.tasks")
EVERY_SECONDS = 10.0  # what goes wrong together is told together
COMMAND_SECONDS = 10.0
LISTED = 100  # items of one notice that are spelled out


@dataclass(frozen=True)
class News:
    """One thing to tell. `subject` names this very occasion: the same event may fail again after a retry."""

    subject: str
    what: str  # failed, attention, promoted
    source: str
    note: str
    event: int | None = None


@dataclass
class Teller:
    """Remembers how much of the ledger it has read, so that looking costs nothing while nothing happens."""

    workspace: Workspace
    _read: int = 0
    _next: float = field(default=0.0)

    def tell_in_time(self) -> None:
        """`tell`, at most every `EVERY_SECONDS`."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_SECONDS
            self.tell()

    def tell(self) -> int:
        """Tell what has not been told; returns how many things that were. Without a command, nothing is."""
        command = self.workspace.config.notify.command
        if not command:
            return 0
        fresh = self._untold()
        if fresh:
            _run(self.workspace, command, fresh)
        return len(fresh)

    def _untold(self) -> list[News]:
        """What is news. It is written down before the command runs: a notice may get lost, but never comes twice."""
        ledger = self.workspace.ledger
        last = ledger.read("SELECT coalesce(max(id), 0) FROM history")[0][0]
        news = [*_ended(self.workspace, self._read), *_attention(self.workspace)]
        self._read = last
        if not news:
            return []
        known = {subject for (subject,) in ledger.read("SELECT subject FROM notices")}
        fresh = [n for n in news if n.subject not in known]
        if fresh:
            with ledger.transaction() as tx:
                for n in fresh:
                    tx.execute("INSERT OR IGNORE INTO notices VALUES (?, ?)", (n.subject, tx.now))
        return fresh


def _ended(workspace: Workspace, since: int) -> Iterator[News]:
    """Events that failed, or promoted a model, by a line of history after number `since`."""
    rows = workspace.ledger.read(
        """SELECT max(h.id), e.id, e.source, e.state, e.note FROM history h JOIN events e ON e.id = h.event
           WHERE h.id > ? AND h.state = e.state AND (e.state = ? OR (e.state = ? AND e.kind = ?))
           GROUP BY e.id ORDER BY e.id""",
        (since, FAILED, DONE, RETRAIN),
    )
    for line, event, source, state, note in rows:
        what = "failed" if state == FAILED else "promoted"
        yield News(f"event {event}, line {line}", what, source, note, event)


def _attention(workspace: Workspace) -> Iterator[News]:
    """Watched files that need the author's eye."""
    rows = workspace.ledger.read("SELECT path, signature, note FROM manifest WHERE state = 'attention' ORDER BY path")
    for path, signature, note in rows:
        yield News(f"{path} as {signature}", "attention", path, note)


def _run(workspace: Workspace, command: tuple[str, ...], news: list[News]) -> None:
    counts = {what: sum(n.what == what for n in news) for what in ("failed", "attention", "promoted")}
    record = {
        "schema_version": 1,
        "blog": str(workspace.root),
        "counts": counts,
        "news": [{k: v for k, v in asdict(n).items() if k != "subject"} for n in news[:LISTED]],
    }
    try:
        run(
            [*command, sentence(news)],
            cwd=workspace.root,
            timeout=COMMAND_SECONDS,
            input=json.dumps(record, ensure_ascii=False),
        )
    except TonewrightError as e:  # the news is in `status` as well
        log.warning("the author could not be told: %s", e)


def sentence(news: list[News]) -> str:
    """One sentence for all of it; the whole story of a single thing."""
    if len(news) == 1:
        only = news[0]
        if only.what == "promoted":
            return f"a new model was {only.note}"
        return f"{Path(only.source).name} {'failed' if only.what == 'failed' else 'needs a look'}: {only.note}"
    parts = []
    for what, one, many in (
        ("failed", "1 event failed", "{} events failed"),
        ("attention", "1 file needs a look", "{} files need a look"),
        ("promoted", "a new model was promoted", "{} models were promoted"),
    ):
        number = sum(n.what == what for n in news)
        if number:
            parts.append(one if number == 1 else many.format(number))
    return f"{', '.join(parts)}; `tonewright status` tells which."
