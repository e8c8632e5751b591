"""`tonewright corpus`: what it holds, and the whole of it as JSON lines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tonewright.cli import show
from tonewright.corpus.export import export, statistics
from tonewright.corpus.rows import collect
from tonewright.errors import NothingToDo
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="stats|export")
    stats = actions.add_parser("stats", help="counts of documents, passages, rows and tones")
    stats.add_argument("--json", action="store_true", help="one JSON object")
    out = actions.add_parser("export", help="chat `messages` as JSON lines")
    out.add_argument("file", nargs="?", default="-", help="where to (default: standard output)")


def run(args: argparse.Namespace) -> int:
    """Exit code 3 when there is nothing to export."""
    workspace = open_workspace()
    rows = collect(workspace.ledger, workspace.config)
    if args.action == "export":
        if not rows:
            raise NothingToDo("the corpus has no rows yet", "`tonewright status` shows what is on its way")
        if args.file == "-":
            sys.stdout.writelines(row.as_json() + "\n" for row in rows)
            return 0
        number = export(workspace.ledger, rows, Path(args.file).absolute())
        print(f"{number} rows written to {args.file}", file=sys.stderr)
        return 0
    counts = statistics(workspace.ledger, rows)
    if args.json:
        show.as_json(counts)
        return 0
    print(f"{counts['passages']} passages, {counts['words']} words")
    show.table(
        [
            ("documents", _line(counts["documents"])),
            ("rows", _line(counts["rows"])),
            ("kinds", _line(counts["kinds"])),
        ]
        + [(f"tones by {by}" if by != "open" else "no tone", _line(found)) for by, found in counts["tones"].items()]
    )
    return 0


def _line(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or "none"
