"""`tonewright corpus export`: the corpus in a form that other trainers read."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tonewright.corpus.export import card_of, export, lines_of
from tonewright.corpus.formats import FORMATS, MESSAGES
from tonewright.corpus.recordings import with_recordings
from tonewright.corpus.rows import collect_with_reasons
from tonewright.errors import NothingToDo
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", nargs="?", default="-", help="where to (default: standard output)")
    parser.add_argument("--to", metavar="FILE", help="the same, as an option")
    parser.add_argument("--format", choices=FORMATS, default=MESSAGES, help=f"default: {MESSAGES}")
    parser.set_defaults(act=_run)


def _run(args: argparse.Namespace) -> int:
    """Exit code 3 when there is nothing to export, or nothing in that form."""
    workspace = open_workspace()
    sifted = collect_with_reasons(workspace.ledger, workspace.config)
    if not sifted.rows:
        raise NothingToDo("the corpus has no rows yet", "`tonewright status` shows what is on its way")
    rows = with_recordings(workspace.ledger, sifted.rows)
    name = args.to or args.file
    if name == "-":
        sys.stdout.writelines(line + "\n" for line in lines_of(rows, args.format))
        return 0
    file = Path(name).absolute()
    number = export(workspace.ledger, rows, file, args.format, sifted.left_out)
    print(f"{number} rows written to {name}, with {card_of(file).name}", file=sys.stderr)
    return 0
