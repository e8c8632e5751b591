"""`tonewright continue`: a draft of the paragraph that might come next."""

from __future__ import annotations

import argparse
import sys

from tonewright import in_place
from tonewright.cli import show
from tonewright.cli.voice import (
    add_manner_arguments,
    add_voice_arguments,
    file_of,
    known_as,
    manner_of,
    open_voice,
    read_input,
    remember,
    turned,
)
from tonewright.corpus.drafts import CONTINUED, Draft
from tonewright.rewriting.continuing import after, go_on
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", help="a Markdown file, or - for standard input")
    add_manner_arguments(parser)
    add_voice_arguments(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--in-place", action="store_true", help="put the paragraph at the file's end")
    how.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the paragraph alone."""
    workspace = open_workspace()
    target = file_of(args, "--in-place") if args.in_place else None
    text, name = read_input(args.file)
    manner = manner_of(workspace, args)
    with open_voice(workspace, args.model, args.strength, turned(workspace, args)) as voice:
        last, paragraph = go_on(text, name, voice, manner)
    remember(workspace, text, name, [Draft(paragraph, last, CONTINUED, manner.tone, known_as(workspace, name))])
    if target:
        in_place.write(workspace.state, target, text, after(text, paragraph))
    if args.json:
        show.as_json({"after": last, "paragraph": paragraph})
    else:
        print(paragraph)
    print("tonewright: what it says is made up: check every fact", file=sys.stderr)
    return 0
