"""`tonewright report`: one self-contained page with plots of the tones, the taggers and every voice note."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from tonewright.cli import show
from tonewright.corpus.export import write_lines
from tonewright.workspace import open_workspace

NAME = "tonewright-report.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--output", type=Path, metavar="FILE.html", help=f"where to write it (state folder/{NAME})")
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Write the page; it holds your words, so it stays in the private state folder unless you say otherwise."""
    from tonewright.pages.html import environment

    environment()  # says what to install before anything else does
    from tonewright.pages.report import report

    workspace = open_workspace()
    file: Path = (args.output or workspace.folder() / NAME).absolute()
    page = report(workspace)
    write_lines(page.decode().splitlines(), file)
    if args.json:
        show.as_json({"file": str(file), "bytes": file.stat().st_size})
    else:
        print(f"wrote {file} ({file.stat().st_size / 1000:.0f} kB)")
    if args.open:
        webbrowser.open(file.as_uri())
    return 0
