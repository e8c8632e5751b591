"""`tonewright corpus`: what it holds, its exports, the proof that they agree, and what is to be forgotten."""

from __future__ import annotations

import argparse

from tonewright.cli import corpus_export, corpus_forget, corpus_verify, show
from tonewright.corpus.export import statistics
from tonewright.corpus.rows import collect_with_reasons
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="stats|export|verify|forget")
    stats = actions.add_parser("stats", help="counts of documents, passages, rows and tones")
    stats.add_argument("--json", action="store_true", help="one JSON object")
    stats.set_defaults(act=_stats)
    corpus_export.add_arguments(actions.add_parser("export", help="JSON lines for a trainer, with a data card"))
    corpus_verify.add_arguments(actions.add_parser("verify", help="prove that exports, ledger and posts agree"))
    corpus_forget.add_arguments(actions.add_parser("forget", help="take a post, a note or a commit out for good"))


def run(args: argparse.Namespace) -> int:
    """Each action has its own exit codes."""
    code: int = args.act(args)
    return code


def _stats(args: argparse.Namespace) -> int:
    workspace = open_workspace()
    counts = statistics(workspace.ledger, collect_with_reasons(workspace.ledger, workspace.config))
    if args.json:
        show.as_json(counts)
        return 0
    print(f"{counts['passages']} passages, {counts['words']} words")
    show.table(
        [
            ("documents", _line(counts["documents"])),
            ("rows", _line(counts["rows"])),
            ("kinds", _line(counts["kinds"])),
            ("left out", _line(counts["left out"])),
        ]
        + [(f"tones by {by}" if by != "open" else "no tone", _line(found)) for by, found in counts["tones"].items()]
    )
    return 0


def _line(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or "none"
