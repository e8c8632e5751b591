"""`tonewright summarise`: one sentence on a post, as you would put it."""

from __future__ import annotations

import argparse

from tonewright import in_place
from tonewright.cli import show
from tonewright.cli.voice import add_voice_arguments, file_of, open_voice, read_input
from tonewright.corpus.fingerprints import remember
from tonewright.errors import UsageError
from tonewright.posts import frontmatter
from tonewright.rewriting.summary import summarise_text, summary_line, with_summary
from tonewright.workspace import open_workspace

HEADER = "front-matter"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", help="a Markdown file, or - for standard input")
    add_voice_arguments(parser)
    parser.add_argument("--for", dest="goal", choices=[HEADER], help="as a line for the post's header")
    parser.add_argument("--in-place", action="store_true", help="with --for front-matter: put it into the header")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the sentence, or the line, or changes that one line of the file."""
    workspace = open_workspace()
    if args.in_place and args.goal != HEADER:
        raise UsageError("--in-place has no place for a summary", f"add --for {HEADER}")
    target = file_of(args, "--in-place") if args.in_place else None
    text, name = read_input(args.file)
    if target:
        with_summary(text, name, "Fits.")  # asked before the model is, so that nobody waits for a refusal
    with open_voice(workspace, args.model, args.strength) as voice:
        summary = summarise_text(text, name, voice, workspace.vocabulary)
    remember(workspace.ledger, summary, text)
    if target:
        in_place.write(workspace.state, target, text, with_summary(text, name, summary))
    if args.json:
        show.as_json({"summary": summary})
    elif args.goal == HEADER:
        print(summary_line(summary, frontmatter.split(text, name).format))
    else:
        print(summary)
    return 0
