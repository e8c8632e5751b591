"""`tonewright rewrite`: a text in your voice, Markdown left as it is around the prose."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from tonewright.cli import show
from tonewright.cli.voice import open_voice, read_input
from tonewright.corpus.fingerprints import remember
from tonewright.rewriting.rewrite import rewrite_text
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", help="a Markdown file, or - for standard input")
    parser.add_argument("--tone", help="one of your tones")
    parser.add_argument("--model", default="champion", help="champion, a model's number, or base")
    parser.add_argument("--in-place", action="store_true", help="write the file instead of standard output")
    parser.add_argument("--json", action="store_true", help="one JSON object with every span, before and after")


def run(args: argparse.Namespace) -> int:
    """Streams to standard output; what the model could not keep right stays as it was, and is named on stderr."""
    workspace = open_workspace()
    if args.tone:
        workspace.vocabulary.check(args.tone, "--tone")
    text, name = read_input(args.file)
    live = sys.stderr.isatty() and not sys.stdout.isatty()
    with open_voice(workspace, args.model) as voice:
        tell = (lambda n: show.progress(f"passage {n}")) if live else None
        done = rewrite_text(text, name, voice, args.tone, tell, vocabulary=workspace.vocabulary)
    for span in done.spans:
        if span.after != span.before:
            remember(workspace.ledger, span.after, span.before)
    if args.json:
        show.as_json({"text": done.text, "spans": [asdict(s) for s in done.spans]})
    elif args.in_place and args.file != "-":
        Path(args.file).write_text(done.text, encoding="utf-8")
    else:
        sys.stdout.write(done.text)
    for span in done.spans:
        if not span.kept:
            print(f"tonewright: left as it was: {span.before[:60]!r}: {span.why}", file=sys.stderr)
    return 0
