"""`tonewright search`: find what you have written, or learn what is searched at all."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from typing import Any

from tonewright.cli import show
from tonewright.cli.found import as_record, indexing, print_passages
from tonewright.errors import UsageError
from tonewright.search.archive import Archive, open_archive
from tonewright.search.chunks import NOTE, POST
from tonewright.search.coverage import coverage
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("query", nargs="*", help="what you remember of it; misspelt words and other words will do")
    parser.add_argument("--limit", type=int, default=10, metavar="N", help="posts and notes to show (default: 10)")
    parser.add_argument("--kind", choices=(POST, NOTE), default="", help="only posts, or only voice notes")
    parser.add_argument("--coverage", action="store_true", help="which files are indexed, and why others are not")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 3 when nothing is found."""
    if not args.query and not args.coverage:
        raise UsageError("there is nothing to look for", "give some words, or --coverage")
    with open_archive(open_workspace(), indexing) as archive:
        return _coverage(archive, args) if args.coverage else _search(archive, args)


def _search(archive: Archive, args: argparse.Namespace) -> int:
    question = archive.understand(" ".join(args.query))
    found = archive.search(question, args.limit, args.kind)
    if args.json:
        show.as_json(
            {
                "instead": question.like,
                "without_meaning": archive.without_meaning,
                "found": [as_record(archive, question, passage) for passage in found],
            }
        )
        return 0 if found else 3
    for word, others in question.like.items():
        if others:
            print(f"hardly in your posts: {word}; also looked for {', '.join(others)}")
    print_passages(archive, question, found)
    if archive.without_meaning:
        print(f"words of like meaning were not looked for: {archive.without_meaning}")
    if not found:
        print("nothing found; `tonewright search --coverage` tells what is searched")
    return 0 if found else 3


def _coverage(archive: Archive, args: argparse.Namespace) -> int:
    files = coverage(archive.workspace, archive.index)
    kinds = Counter(file.kind for file in files if file.passages)
    if args.json:
        record: dict[str, Any] = {"indexed": dict(kinds), "files": [asdict(file) for file in files]}
        show.as_json(record)
        return 0
    passages = sum(file.passages for file in files)
    print(f"indexed: {kinds[POST]} posts and {kinds[NOTE]} notes, {passages} passages")
    left_out = [(file.path, file.why_not) for file in files if not file.passages]
    if left_out:
        print(f"not indexed: {len(left_out)}")
        show.table(left_out)
    return 0
