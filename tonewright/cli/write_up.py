"""`tonewright write-up`: a voice note as a draft post, in your writing voice."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from tonewright.cli import show
from tonewright.cli.voice import add_manner_arguments, add_voice_arguments, known_as, manner_of, open_voice, turned
from tonewright.corpus.drafts import REWRITTEN, Draft, give_out
from tonewright.errors import TonewrightError, UsageError
from tonewright.rewriting.rewrite import Voice
from tonewright.rewriting.write_up import Note, Written, draft_post, find_note, write_up
from tonewright.workspace import Workspace, open_workspace

INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("note", help="the end of a recording's path; `tonewright notes` lists them")
    add_manner_arguments(parser)
    add_voice_arguments(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--to", metavar="FILE", help="write a new file instead of standard output")
    how.add_argument("--json", action="store_true", help="one JSON object with every passage, spoken and written")


def run(args: argparse.Namespace) -> int:
    """What the model could not keep right stands as it was said. ^C does the same with all that is not written yet."""
    workspace = open_workspace()
    note = find_note(workspace.ledger, args.note)
    if args.to and Path(args.to).exists():
        raise UsageError(f"{args.to} is there already", "choose another name")
    with open_voice(workspace, args.model, args.strength, turned(workspace, args)) as voice:
        return perform(workspace, args, note, voice)


def perform(workspace: Workspace, args: argparse.Namespace, note: Note, voice: Voice) -> int:
    """Write `note` up with `voice` and give it out as `args` ask; returns the exit code."""
    manner = manner_of(workspace, args)
    written, stopped = [], False
    try:
        for passage in write_up(note, voice, manner):
            written.append(passage)
            show.progress(f"passage {len(written)} of {len(note.passages)}")
    except KeyboardInterrupt:
        stopped = True
    show.progress("")
    rest = [Written(spoken, spoken.text, "interrupted") for spoken in note.passages[len(written) :]]
    text = draft_post(note, [*written, *rest])
    path = known_as(workspace, args.to) if args.to else ""
    give_out(
        workspace.ledger,
        [
            Draft(w.text, w.spoken.text, REWRITTEN, manner.tone or w.spoken.tone, path)
            for w in written
            if w.text != w.spoken.text
        ],
    )
    if args.to:
        _write(Path(args.to), text)
    elif args.json:
        show.as_json({"text": text, "interrupted": stopped, "passages": [asdict(w) for w in [*written, *rest]]})
    else:
        sys.stdout.write(text)
    for w in [*written, *rest]:
        if w.why:
            print(f"tonewright: as you said it: {w.spoken.text[:60]!r}: {w.why}", file=sys.stderr)
    return INTERRUPTED if stopped else 0


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8", newline="") as new:
            new.write(text)
    except OSError as e:
        raise TonewrightError(
            f"{file} could not be written ({e.strerror})", "the same command prints it without --to"
        ) from e
