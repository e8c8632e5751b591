"""`tonewright tag`: give a passage, or words of it, a tone by hand; the post is not touched."""

from __future__ import annotations

import argparse
from pathlib import Path

from tonewright.cli import show, tag_compare
from tonewright.corpus import hand_tags, tagging
from tonewright.corpus.hand_tags import ABSENT, LOST, Tag
from tonewright.corpus.pointing import Text, point
from tonewright.errors import NothingToDo, UsageError
from tonewright.tones.handbook import Decision
from tonewright.workspace import Workspace, open_workspace

SNIPPET = 60  # characters of a passage that are shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("where", nargs="?", metavar="PATH", help='a post or a note, PATH:LINE or PATH:"some words"')
    parser.add_argument("tone", nargs="?", help="one of tones.names")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--remove", action="store_true", help="take back what `tag` gave to these words")
    what.add_argument("--list", action="store_true", help="every tag, of one post or of all, and those that lost it")
    what.add_argument("--compare", action="store_true", help="several taggers on all that you have tagged by hand")
    parser.add_argument("--taggers", default="embedded,local", help="whom to compare: embedded, local, hosted")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be tagged")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 3 when the words have that tone already, or no tag to take back; 4 for a private post."""
    from watchers import tagged

    workspace = open_workspace()
    tagged.scan(workspace)
    if args.list:
        return _list(workspace, args)
    if args.compare:
        return tag_compare.run(workspace, args)
    if args.where is None or (args.tone is None and not args.remove):
        raise UsageError("a tag needs a place and a tone", 'write `tonewright tag PATH:"some words" dry`')
    tone = None if args.tone is None else workspace.vocabulary.check(args.tone, "the command line")
    text, spots = point(workspace, args.where)
    if args.remove:
        decisions = tagging.untagging(workspace.ledger, text, spots, tone)
        why_none = f"no tag says {tone}" if tone else "there is no tag"
    else:
        decisions = tagging.tagging(workspace.ledger, text, spots, str(tone))
        why_none = f"its tag says {tone} already"
    if not decisions:
        raise NothingToDo(f"{args.where}: {why_none}", f"`tonewright tag --list {text.name}` tells what is there")
    file: Path | None = None
    if not args.dry_run:
        file, decisions = tagging.write(workspace.ledger, tagged.folder(workspace), decisions)
        tagged.scan(workspace)
    (_print_json if args.json else _print)(workspace, text, decisions, file)
    return 0


def _print_json(workspace: Workspace, text: Text, decisions: list[Decision], file: Path | None) -> None:
    show.as_json(
        {
            "path": text.name,
            "file": None if file is None else str(file.relative_to(workspace.root)),
            "tagged": [
                {"id": d.id, "tone": d.tone, "line": _line(text, d), "words": _said(text, d), "whole": d.whole}
                for d in decisions
                if not d.removes
            ],
            "removed": [name for d in decisions for name in d.removes],
        }
    )


def _print(workspace: Workspace, text: Text, decisions: list[Decision], file: Path | None) -> None:
    for what in decisions:
        if what.removes:
            number = len(what.removes)
            print(f"{'took back' if file else 'would take back'} {number} tag{'s' * (number != 1)} of {text.name}")
        else:
            place = f"{text.name}:{_line(text, what)} “{_short(_said(text, what))}”"
            print(f"{'tagged' if file else 'would tag'} {what.tone}: {place}")
    if file is None:
        return
    waits = {tag.decision.id for tag in hand_tags.tags(workspace.ledger, text.name) if tag.state in (LOST, ABSENT)}
    later = "; it counts once these words are in the corpus" if any(d.id in waits for d in decisions) else ""
    print(f"kept in {file.relative_to(workspace.root)}: commit it with the blog{later}")


def _line(text: Text, what: Decision) -> int:
    """Where the passage begins."""
    return text.lines[text.words.passage_of(what.position)][0]


def _said(text: Text, what: Decision) -> str:
    return " ".join(text.words.all[what.position : what.position + what.words])


def _short(words: str) -> str:
    return words if len(words) <= SNIPPET else words[:SNIPPET].rsplit(" ", 1)[0] + " …"


def _list(workspace: Workspace, args: argparse.Namespace) -> int:
    """What stands, what was overruled, and what has lost its words; a post that is gone goes by its old name."""
    name = args.where
    if name is not None and Path(name).exists():
        name = point(workspace, name)[0].name
    found = hand_tags.tags(workspace.ledger, name)
    if args.json:
        show.as_json({"tags": [_record(tag) for tag in found]})
        return 0
    if not found:
        raise NothingToDo("there are no tags", 'write `tonewright tag PATH:"some words" dry`')
    show.table([(t.decision.tone, t.state, t.decision.path, f"“{_short(_quote(t))}”") for t in found], indent="")
    return 0


def _record(tag: Tag) -> dict[str, object]:
    what = tag.decision
    return {
        "id": what.id,
        "at": what.at,
        "path": what.path,
        "tone": what.tone,
        "words": what.quote,
        "whole": what.whole,
        "state": tag.state,
        "anchor": tag.how,
        "file": f"{tag.file}:{tag.line}",
    }


def _quote(tag: Tag) -> str:
    return tag.decision.quote or f"{tag.decision.words} words, which are not written down outside the note"
