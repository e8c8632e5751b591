"""`tonewright related`: what else you have written about what a post is about."""

from __future__ import annotations

import argparse

from tonewright.cli import show
from tonewright.cli.found import as_source, heading, indexing, place
from tonewright.search.archive import open_archive
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("post", help="a post or a note that is in the corpus")
    parser.add_argument("--limit", type=int, default=5, metavar="N", help="posts and notes to show (default: 5)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 2 for a post that is not indexed, 3 when there is nothing like it."""
    with open_archive(open_workspace(), indexing) as archive:
        found = archive.related(args.post, args.limit)
    if args.json:
        show.as_json({"related": [{**as_source(p.chunk), "score": round(p.score, 4)} for p in found]})
    else:
        for passage in found:
            print(f"{heading(passage.chunk)}\n  {place(passage.chunk)}")
        if not found:
            print("nothing like it yet")
    return 0 if found else 3
