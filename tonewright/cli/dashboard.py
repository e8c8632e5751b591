"""`tonewright dashboard`: how everything stands, on one local page that keeps itself up to date."""

from __future__ import annotations

import argparse
from pathlib import Path

from tonewright.cli import show
from tonewright.cli.page import add_page_arguments, serve
from tonewright.corpus.export import write_lines
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_page_arguments(parser)
    parser.add_argument("--once", type=Path, metavar="FILE.html", help="write it as one file instead, as it is now")
    parser.add_argument("--json", action="store_true", help="print what it shows as one JSON object instead")


def run(args: argparse.Namespace) -> int:
    """Serve until ^C; it shows and changes nothing. Exit code 75 when the port is taken."""
    from tasks.workers import living
    from tonewright import overview

    workspace = open_workspace()
    if args.json:
        show.as_json(overview.as_record(overview.now(workspace, len(living(workspace))), overview.counted(workspace)))
        return 0
    from tonewright.pages.html import environment

    environment()  # says what to install before anything else does
    from tonewright.pages.dashboard import Dashboard, dashboard

    if args.once:
        found = overview.now(workspace, len(living(workspace)))
        write_lines(
            dashboard(workspace, found, overview.counted(workspace)).decode().splitlines(), args.once.absolute()
        )
        print(f"wrote {args.once}; it holds your words")
        return 0
    page = Dashboard(workspace, lambda: len(living(workspace)))
    serve(args, page.routes, workspace.ledger, lambda url: print(f"the dashboard, until ^C: {url}"))
    return 0
