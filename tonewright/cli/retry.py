"""`tonewright retry`: failed events become pending again."""

from __future__ import annotations

import argparse

from tonewright.errors import NothingToDo, UsageError
from tonewright.ledger import story
from tonewright.ledger.leases import retry
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("event", nargs="*", help="events to try again (default: all that failed)")


def run(args: argparse.Namespace) -> int:
    """Exit code 3 when nothing has failed."""
    from tasks.queue import ring

    workspace = open_workspace()
    ledger = workspace.ledger
    chosen = [story.find(ledger, word) for word in args.event]
    if not chosen:
        chosen = story.failed(ledger)
    if not chosen:
        raise NothingToDo("nothing has failed")
    with ledger.transaction() as tx:
        again = [e for e in chosen if retry(tx, e.id)]
    for event in chosen:
        if event not in again and args.event:
            raise UsageError(f"event {event.id} is {event.state}", "only failed, refused or waiting ones are retried")
    ring(workspace, [e.id for e in again])
    for event in again:
        print(f"#{event.id} {event.kind} {event.source} is pending again")
    return 0
