"""`tonewright-check`: the pre-commit hook that finds what tonewright would stumble over, with file and line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from hooks.faults import Findings, Rules, examine
from tonewright.corpus.fingerprints import Glance
from tonewright.errors import TonewrightError, UsageError
from tonewright.in_place import replace
from tonewright.posts.post import is_post
from tonewright.workspace import open_workspace


def main(argv: Sequence[str] | None = None) -> int:
    """Check the files that pre-commit names; exit code 1 when one of them has a fault or was changed by --fix.

    The blog's ledger is only ever read, and neither it nor the state folder is made.
    """
    parser = argparse.ArgumentParser(prog="tonewright-check", description="Find what is wrong with posts.")
    parser.add_argument("--fix", action="store_true", help="rewrite raw tone tags of published posts for kramdown")
    parser.add_argument("files", nargs="*", metavar="file")
    args = parser.parse_args(argv)
    with ExitStack() as stack:
        try:
            rules = _rules(stack)
        except TonewrightError as e:
            print(f"tonewright-check: {e}", file=sys.stderr)  # noqa: T201 - this is a command
            return e.exit_code
        wrong = [file for file in args.files if is_post(file) and not _check(Path(file), rules, fix=args.fix)]
    return 1 if wrong else 0


def _rules(stack: ExitStack) -> Rules:
    try:
        workspace = open_workspace()
    except UsageError:  # a blog that has the hook and no tonewright.toml yet
        return Rules()
    known = Glance.at(workspace.state)
    if known is not None:
        stack.callback(known.close)
    return Rules(workspace.vocabulary, workspace.config.blog.drafts, known)


def _check(file: Path, rules: Rules, *, fix: bool) -> bool:
    """Tell the faults of one file, mend what can be mended; whether there was nothing to do either way."""
    try:
        found = examine(file.read_bytes(), str(file), rules, datetime.now().astimezone())
        if fix and found.mended is not None and found.mended.tags:
            replace(file, found.mended.text.encode())
            tags = len(found.mended.tags)
            _say(f"{file}: rewrote {tags} tag{'s' * (tags != 1)} for kramdown")
            _tell(file, examine(file.read_bytes(), str(file), rules, datetime.now().astimezone()))
            return False
    except OSError as e:
        _say(f"{file}:1: it cannot be read or written ({e.strerror}): check its mode")
        return False
    _tell(file, found)
    return not found.faults


def _tell(file: Path, found: Findings) -> None:
    for fault in found.faults:
        _say(fault.told(str(file)))


def _say(text: str) -> None:
    """Print a line, whatever is in a file's name and whatever the terminal can show."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))  # noqa: T201 - this is a command
