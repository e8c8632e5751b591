"""`tonewright ask`: what your own posts say to a question, in their own sentences and with their source."""

from __future__ import annotations

import argparse

from tonewright.cli import show
from tonewright.cli.found import as_source, heading, indexing, place
from tonewright.search.answer import answer
from tonewright.search.archive import open_archive
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("question", nargs="+", help="as you would ask a friend")
    parser.add_argument("--limit", type=int, default=3, metavar="N", help="sentences to quote (default: 3)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 3 when the posts do not tell."""
    with open_archive(open_workspace(), indexing) as archive:
        told = answer(archive, " ".join(args.question), args.limit)
    if args.json:
        quoted = [{**as_source(t.chunk), "sentence": t.sentence, "covers": round(t.covers, 3)} for t in told]
        show.as_json({"told": bool(told), "quotations": quoted})
    else:
        for quotation in told:
            print(f"“{quotation.sentence}”\n  {heading(quotation.chunk)}\n  {place(quotation.chunk)}\n")
        if not told:
            print("your posts do not tell; `tonewright search` shows what comes near")
    return 0 if told else 3
