"""The optional `post-receive` in the author's own bare repository: what it writes, how it is installed and read.

Each updated ref becomes one line in `<spool>/received`: old, new, ref, seconds since the epoch, and the path of
the bare repository, separated by spaces. A line begins with a line end of its own, so that one torn by a full disk
spoils no other.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hooks.doorbell import MARK, line
from hooks.install import hooks_folder_of
from hooks.places import Change, put, take_away
from tonewright.errors import UsageError
from tonewright.process import run

HOOK = "post-receive"
_BRANCH = "refs/heads/"
_LINE = re.compile(rb"([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (\S+) (\d+) (/.*)")


@dataclass(frozen=True)
class Arrival:
    """A branch that reached a bare repository; `offset` (bytes in the file) tells it from any other."""

    offset: int
    branch: str
    oid: str
    at: int
    bare: Path


def script(spool: Path, bare: Path, earlier: Path | None) -> str:
    """The hook's text. It starts no program but `date`; an earlier hook gets the same input afterwards."""
    lines = [
        "#!/bin/sh",
        f"{MARK} for what arrives; `tonewright uninstall` takes it away",
        "{ at=$(date +%s); } 2>/dev/null",
        "lines=",
        "while read -r old new ref; do",
        '\tlines="$lines$old $new $ref',
        '"',
        f'\t{{ printf \'\\n%s %s %s %s %s\\n\' "$old" "$new" "$ref" "${{at:-0}}" {shlex.quote(str(bare))}'
        f" >>{shlex.quote(str(spool / 'received'))}; }} 2>/dev/null",
        "done",
        line(spool),
    ]
    if earlier is not None:
        kept = shlex.quote(str(earlier))
        lines.append(f'[ -x {kept} ] && {{ printf %s "$lines" | {kept} "$@"; exit $?; }}')
    return "\n".join([*lines, "exit 0", ""])


def install(bare: Path, spool: Path, *, dry_run: bool = False) -> list[Change]:
    """Put the hook into the bare repository at `bare`.

    Raises `UsageError` when there is none, and when its hooks folder serves other repositories too.
    """
    place = check_bare(bare)
    folder = hooks_folder_of(place)
    if not folder.resolve().is_relative_to(place):
        raise UsageError(
            f"{place} takes its hooks from {folder}, which serves other repositories too",
            "add the lines by hand: docs/hooks.md",
        )
    change = put(folder / HOOK, lambda earlier, _managed: script(spool, place, earlier), dry_run=dry_run)
    return [change] if change else []


def uninstall(bare: Path, *, dry_run: bool = False) -> list[Change]:
    """Take the hook away again; nothing to do where the repository is gone."""
    if not bare.is_dir():
        return []
    return take_away(hooks_folder_of(bare) / HOOK, dry_run=dry_run)


def check_bare(bare: Path) -> Path:
    """The absolute path of a bare repository. Raises `UsageError` when it is none, or cannot be written as a line."""
    place = bare.expanduser().resolve()
    answer = run(["git", "rev-parse", "--is-bare-repository"], cwd=place, check=False) if place.is_dir() else None
    if answer is None or answer.stdout.strip() != "true" or not str(place).isprintable():
        raise UsageError(f"{place} is not a bare repository", "name the folder that you push to, such as /srv/blog.git")
    return place


def arrivals(spool: Path) -> Iterator[Arrival]:
    """Every branch that arrived, oldest first; deletions, tags and lines that are not whole are left out."""
    try:
        text = (spool / "received").read_bytes()
    except FileNotFoundError:
        return
    offset = 0
    for raw in text.split(b"\n")[:-1]:  # what follows the last line end is still being written
        found = _LINE.fullmatch(raw)
        if found and found[3].startswith(_BRANCH.encode()) and set(found[2]) != {ord("0")}:
            branch = found[3].decode(errors="replace").removeprefix(_BRANCH)
            yield Arrival(offset, branch, found[2].decode(), int(found[4]), Path(found[5].decode(errors="replace")))
        offset += len(raw) + 1
