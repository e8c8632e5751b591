"""`tonewright rewrite`: a text in your voice, Markdown left as it is around the prose."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from tonewright import in_place
from tonewright.cli import show
from tonewright.cli.found import indexing
from tonewright.cli.typing import Typing
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
from tonewright.corpus.drafts import REWRITTEN, Draft
from tonewright.errors import UsageError
from tonewright.posts.passages import text_of
from tonewright.rewriting.grounding import Context, Earlier
from tonewright.rewriting.markdown import Prose, prose
from tonewright.rewriting.rewrite import Manner, Span, Voice, rewritten, splice
from tonewright.search.archive import open_archive
from tonewright.tones.vocabulary import Vocabulary
from tonewright.workspace import Workspace, open_workspace

CONTEXT = 2  # earlier passages, unless said
INTERRUPTED = 130

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", help="a Markdown file, or - for standard input")
    add_manner_arguments(parser)
    add_voice_arguments(parser)
    parser.add_argument(
        "--with-context",
        nargs="?",
        type=int,
        const=CONTEXT,
        default=0,
        metavar="N",
        help=f"show the model N earlier passages of yours on the same things (default: {CONTEXT}), and say which",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--in-place", action="store_true", help="write the file instead of standard output")
    how.add_argument("--diff", action="store_true", help="show what would change")
    how.add_argument("--json", action="store_true", help="one JSON object with every span, before and after")
    how.add_argument("--dry-run", action="store_true", help="tell what would go to the model, and ask none")
    how.add_argument("--undo", action="store_true", help="give the file back what the last --in-place took")


def run(args: argparse.Namespace) -> int:
    """Streams to standard output; what the model could not keep right stays as it was, and is named on stderr.

    ^C ends it with exit code 130: paragraphs that are finished stay rewritten, the others stay as they were.
    """
    workspace = open_workspace()
    if args.undo:
        in_place.undo(workspace.state, file_of(args, "--undo"))
        return 0
    text, name = read_input(args.file)
    if args.dry_run:
        return _foresee(text, name, workspace.vocabulary)
    with open_voice(workspace, args.model, args.strength, turned(workspace, args)) as voice:
        return perform(workspace, args, text, name, voice)


def perform(workspace: Workspace, args: argparse.Namespace, text: str, name: str, voice: Voice) -> int:
    """Rewrite `text` with `voice` and give it out as `args` ask; returns the exit code."""
    target = file_of(args, "--in-place") if args.in_place else None
    manner = manner_of(workspace, args)
    typing = None if target or args.diff or args.json else Typing(text)
    spans: list[Span] = []
    stopped = False
    try:
        hear = (typing.piece, typing.token) if typing else (_count, None)
        with _context(workspace, args, text, name) as context:
            for span in rewritten(text, name, voice, replace(manner, context=context), *hear):
                spans.append(span)
                if typing:
                    typing.span(span)
    except KeyboardInterrupt:
        stopped = True
    if typing:
        typing.end()
    else:
        show.progress("")
    _remember(workspace, text, name, spans, manner)
    new = splice(text, spans)
    if args.json:
        show.as_json({"text": new, "interrupted": stopped, "spans": [asdict(s) for s in spans]})
    elif args.diff:
        sys.stdout.writelines(_diff(text, new, name))
    elif target:
        in_place.write(workspace.state, target, text, new)
    _report(text, spans, stopped=stopped)
    return INTERRUPTED if stopped else 0


@contextmanager
def _context(workspace: Workspace, args: argparse.Namespace, text: str, name: str) -> Iterator[Context | None]:
    """What finds the earlier passages that `--with-context` asks for. Raises `UsageError` for a number below 0."""
    if args.with_context < 0:
        raise UsageError(f"--with-context is {args.with_context}", "give a number from 0 on")
    if not args.with_context:
        yield None
        return
    paths = (name, known_as(workspace, name), str(Path(name).absolute()))
    with open_archive(workspace, indexing) as archive:
        yield Earlier(archive, text, paths, args.with_context, workspace.config.gate.max_overlap_words)


def _count(number: int, piece: Prose) -> None:
    show.progress(f"passage {number}")


def _foresee(text: str, name: str, vocabulary: Vocabulary) -> int:
    for piece in prose(text, name, vocabulary):
        what = f"stays: {piece.locked}" if piece.locked else f"goes to the model: {len(piece.text.split())} words"
        print(f"{name}:{_line(text, piece.start)}: {what}")
    return 0


def _remember(workspace: Workspace, text: str, name: str, spans: Sequence[Span], manner: Manner) -> None:
    """Before the file is written: what cannot be remembered as ours is not given to the file either."""
    said = [(text_of(s.before, manner.vocabulary), text_of(s.after, manner.vocabulary)) for s in spans]
    path = known_as(workspace, name)
    given = [Draft(after, before, REWRITTEN, manner.tone, path) for before, after in said if before != after]
    remember(workspace, text, name, given)


def _diff(old: str, new: str, name: str) -> Iterator[str]:
    """A unified diff that `patch` and `git apply` take."""
    before, after = (_LINE.findall(text) for text in (old, new))
    for line in difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _report(text: str, spans: Sequence[Span], *, stopped: bool) -> None:
    for span in spans:
        line = f"line {_line(text, span.start)}"
        if span.context:
            shown = "; ".join(f"{g.title or g.path} ({g.path}:{g.line})" for g in span.context)
            print(f"tonewright: {line}, with earlier passages: {shown}", file=sys.stderr)
        if not span.kept:
            place = f"{line}, {span.before[:60]!r}"
            print(f"tonewright: left as it was: {place}: {span.why}", file=sys.stderr)
    if stopped:
        print(f"tonewright: interrupted after {len(spans)} paragraphs; the rest is as it was", file=sys.stderr)


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
