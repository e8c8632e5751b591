"""`tonewright scan`: one look at every source, without waiting for a doorbell."""

from __future__ import annotations

import argparse
import json
import time

from tonewright.cli import show
from tonewright.errors import TonewrightError
from tonewright.ledger.leases import COLUMNS, as_event
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the ids of the events that are now in the ledger for good, and rings the queue."""
    from tasks.queue import ring
    from watchers.loop import scan_all
    from watchers.settle import Settling

    workspace = open_workspace()
    settling = Settling(workspace.config.notes.settle_seconds)
    problems: list[TonewrightError] = []
    added = scan_all(workspace, settling, lambda n: show.progress(f"{n} versions of posts read"), problems.append)
    while settling.arriving_soon:
        time.sleep(settling.seconds / 4)
        added += scan_all(workspace, settling)
    ring(workspace, added)
    rows = workspace.ledger.read(
        f"SELECT {COLUMNS} FROM events WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",  # noqa: S608
        (json.dumps(added),),
    )
    events = [as_event(r) for r in rows]
    if args.json:
        show.as_json({"events": [{"event": e.id, "kind": e.kind, "source": e.source} for e in events]})
    else:
        show.table([(f"#{e.id}", e.kind, e.source) for e in events])
        print(f"{len(events)} new event{'s' * (len(events) != 1)}")
    if problems:
        raise problems[0]
    return 0
