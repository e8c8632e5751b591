"""`tonewright summarise`: one sentence on a post, as you would put it."""

from __future__ import annotations

import argparse

from tonewright.cli import show
from tonewright.cli.voice import open_voice, read_input
from tonewright.corpus.fingerprints import remember
from tonewright.rewriting.rewrite import summarise_text
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", help="a Markdown file, or - for standard input")
    parser.add_argument("--model", default="champion", help="champion, a model's number, or base")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the sentence."""
    workspace = open_workspace()
    text, name = read_input(args.file)
    with open_voice(workspace, args.model) as voice:
        summary = summarise_text(text, name, voice, vocabulary=workspace.vocabulary)
    remember(workspace.ledger, summary, text)
    if args.json:
        show.as_json({"summary": summary})
    else:
        print(summary)
    return 0
