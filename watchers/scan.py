"""The folders compared with the manifest: what is new, what changed, what went away.

Events of the operating system only wake this scan up. It reads the watched folders and writes nothing into them;
what it takes is copied into the state folder under its hash, so a note that the phone deletes later is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tonewright.events import NOTE
from tonewright.notes.container import Truncated, check_container
from tonewright.workspace import Workspace
from watchers import manifest
from watchers.announce import vanish
from watchers.manifest import ARRIVING, ATTENTION, GONE, TAKEN, Folder, Row
from watchers.settle import Settling
from watchers.take import Verdict, take
from watchers.walk import Found, Walk

INCOMPLETE_SECONDS = 60.0  # a file that is not whole after being quiet this long needs the author's eye


def scan(workspace: Workspace, folder: Folder, settling: Settling) -> list[int]:
    """Record events for what is new in `folder`; returns their ids.

    A folder that is not there (an unmounted disk) deletes nothing. Raises `TryLater` when the state folder is full.
    """
    if not folder.root.is_dir():
        return []
    known = manifest.rows(workspace.ledger, folder)
    walk = Walk(folder, known)
    met = set()
    changed = []
    for found in walk:
        met.add(found.path)
        if not _is_known(known.get(found.path), found):
            changed.append(found)
    missing = {path for path in known.keys() - met if known[path].state != GONE}
    followed = missing | {found.path for found in changed}
    settling.keep(lambda file: not (isinstance(file, tuple) and file[0] == folder and file[1] not in followed))
    here = walk.volumes | {known[path].volume for path in met & known.keys()}
    lost = {p for p in missing if known[p].volume in ("", *here) and not p.startswith(tuple(walk.unread))}
    added = _gone(workspace, folder, {path: known[path] for path in lost}, settling)
    for batch in take(workspace, folder, _ready(folder, changed, known, settling)):
        added += batch
    return added


def _is_known(row: Row | None, found: Found) -> bool:
    """Whether the manifest says all there is to say about a file."""
    if row is None or row.racy or row.seen != found.seen:
        return False
    return row.state == (found.state or TAKEN)


def _ready(folder: Folder, changed: list[Found], known: dict[str, Row], settling: Settling) -> Iterator[Verdict]:
    """What is to be written down now; a file that is still arriving is passed over, and followed."""
    for found in changed:
        row = known.get(found.path)
        if found.state:
            yield found, found.state, found.note
            continue
        quiet = settling.quiet_for((folder, found.path), found.seen)
        if quiet < settling.seconds:
            continue
        reason = _incomplete(folder, found)
        if not reason:
            yield found, TAKEN, ""
            continue
        state = ATTENTION if quiet >= INCOMPLETE_SECONDS else ARRIVING
        if row is None or (row.state, row.seen) != (state, found.seen):
            yield found, state, reason


def _incomplete(folder: Folder, found: Found) -> str:
    """Why a recording is not whole yet, or ""."""
    if folder.kind != NOTE:
        return ""
    try:
        verdict = check_container(Path(found.path))
    except OSError:  # taking it tells what is wrong
        return ""
    if not isinstance(verdict, Truncated) or verdict.playable:
        return ""
    if found.seen.startswith("0:"):
        return f"{found.path} is empty: record it again, or delete it"
    return f"{found.path} is not whole ({verdict.reason}): copy it again"


def _gone(workspace: Workspace, folder: Folder, lost: dict[str, Row], settling: Settling) -> list[int]:
    """Let go of files that have not been there for a while; a save may take a file away for a moment."""
    left = [path for path in sorted(lost) if settling.quiet_for((folder, path), "") >= settling.seconds]
    if not left:
        return []
    with workspace.ledger.transaction() as tx:
        for path in left:
            vanish(tx, folder, path, lost[path])
        return tx.added
