"""`tonewright status`: counts, what failed and why, what is waiting for what."""

from __future__ import annotations

import argparse

from tonewright.cli import show
from tonewright.events import Event
from tonewright.ledger import story
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 0, whatever there is to tell."""
    workspace = open_workspace()
    ledger = workspace.ledger
    counts = story.counts(ledger)
    waiting, failed, left_out = story.waiting(ledger), story.failed(ledger), story.left_out(ledger)
    files = ledger.read("SELECT path, state, note FROM manifest WHERE state NOT IN ('taken', 'gone') ORDER BY path")
    champion = ledger.read(
        "SELECT m.id, m.run FROM aliases a JOIN models m ON m.id = a.model WHERE a.name = 'champion'"
    )
    if args.json:
        show.as_json(
            {
                "root": str(workspace.root),
                "state": str(workspace.state),
                "events": counts,
                "waiting": [story.as_record(e) for e in waiting],
                "failed": [story.as_record(e) for e in failed],
                "left_out": [story.as_record(e) for e in left_out],
                "files": [{"path": p, "state": s, "note": n} for p, s, n in files],
                "champion": {"model": champion[0][0], "run": champion[0][1]} if champion else None,
            }
        )
        return 0
    print(f"{workspace.root}  (state: {workspace.state})")
    if not counts:
        print("nothing has come in yet: commit a post, or drop a note, with `tonewright up` running")
    for kind, states in counts.items():
        print(f"  {kind:<10}" + "  ".join(f"{number} {state}" for state, number in sorted(states.items())))
    _section("waiting", [(*what, show.away(e.next_at), e.note) for what, e in _alike(waiting)])
    _section("failed (`tonewright retry` tries again)", [(*what, e.note) for what, e in _alike(failed)])
    _section("left out on purpose", [(*what, e.note) for what, e in _alike(left_out)])
    _section("files that could not be taken yet", files)
    print(f"champion: model {champion[0][0]} (run {champion[0][1]})" if champion else "champion: none yet")
    return 0


def _section(title: str, rows: list[tuple[object, ...]]) -> None:
    if rows:
        print(f"{title}:")
        show.table(rows)


def _alike(events: list[Event]) -> list[tuple[tuple[str, str, str], Event]]:
    """One line for all events of a kind that have the same to say: (number, kind, source and how many more), first."""
    return [
        ((f"#{first.id}", first.kind, f"{first.source} and {more} more" if more else first.source), first)
        for first, more in story.alike(events)
    ]
