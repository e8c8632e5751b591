"""`tonewright log`: the latest events, or everything that one event came from and led to."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from tonewright.cli import show
from tonewright.ledger import story
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("event", nargs="?", help="an event's number, its key, or the end of its path")
    parser.add_argument("-n", type=int, default=20, help="how many of the latest events (default 20)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 2 when there is no such event."""
    ledger = open_workspace().ledger
    if args.event is None:
        events = story.recent(ledger, args.n)
        if args.json:
            show.as_json({"events": [asdict(e) for e in events]})
        else:
            show.table(
                [(show.clock(e.updated), f"#{e.id}", e.kind, e.state, e.source, e.note) for e in events],
                indent="",
            )
        return 0
    event = story.find(ledger, args.event)
    lines = story.story(ledger, event)
    if args.json:
        show.as_json({"event": asdict(event), "story": [asdict(line) for line in lines]})
        return 0
    print(f"#{event.id} {event.kind} {event.source}")
    for name in ("path", "commit", "version", "message"):
        if event.payload.get(name):
            print(f"  {name}: {event.payload[name]}")
    show.table([(show.clock(x.at), f"#{x.event}", x.kind, x.state, x.note) for x in lines])
    return 0
