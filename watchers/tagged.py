"""The folder of the author's tags compared with what was read last: whatever changed is read again.

The working tree is read, not the commits: a tag counts at once, and a checkout of an older branch takes back what it
does not know yet.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from tonewright.corpus import hand_tags
from tonewright.errors import BadInput
from tonewright.tones import handbook
from tonewright.tones.handbook import Decision
from tonewright.workspace import Workspace
from watchers.manifest import ATTENTION, TAKEN
from watchers.settle import signature

log = logging.getLogger("tonewright.watchers")


def folder(workspace: Workspace) -> Path:
    """Where this blog keeps its tags; it need not be there."""
    return workspace.path(workspace.config.tones.folder)


def scan(workspace: Workspace) -> list[int]:
    """Read the files that changed and label accordingly, in one transaction; brings no events.

    A line that cannot be used is named in the manifest, where `status` finds it, and in the log; the others count.
    """
    root = folder(workspace)
    words = hashlib.sha256(" ".join(workspace.vocabulary.names).encode()).hexdigest()[:8]
    now = {path: f"{seen}@{words}" for path, seen in _walk(root).items()}
    rows = workspace.ledger.read(
        "SELECT path, root, signature FROM manifest WHERE path LIKE ?", (f"%{handbook.SUFFIX}",)
    )
    known = {path: (old_root, seen) for path, old_root, seen in rows}  # of every folder that tones.folder ever named
    gone = sorted(known.keys() - now.keys())
    changed = sorted(path for path, seen in now.items() if known.get(path) != (str(root), seen))
    if not gone and not changed:
        return []
    read = {path: _read(workspace, root, path) for path in changed}
    with workspace.ledger.transaction() as tx:
        for path in (*gone, *changed):
            tx.execute("DELETE FROM manifest WHERE path = ?", (path,))
        for path, (_, faults) in read.items():
            state, note = (ATTENTION, "; ".join(map(str, faults))) if faults else (TAKEN, "")
            tx.execute("INSERT INTO manifest VALUES (?, ?, ?, NULL, ?, ?)", (str(root), path, now[path], state, note))
        files: dict[str, list[tuple[int, Decision]]] = {_name(known[path][0], path): [] for path in gone}
        files.update({_name(root, path): found for path, (found, _) in read.items()})
        hand_tags.take_files(tx, files)
    for _, faults in read.values():
        for fault in faults:
            log.warning("%s", fault)
    return []


def _walk(root: Path) -> dict[str, str]:
    """{path: signature} of the files in `root`, none when it is not there."""
    return {
        str(file): signature(file.lstat())
        for file in root.rglob(f"*{handbook.SUFFIX}")
        if file.is_file() and not file.is_symlink()
    }


def _name(root: Path | str, path: str) -> str:
    return Path(path).relative_to(root).as_posix()


def _read(workspace: Workspace, root: Path, path: str) -> tuple[list[tuple[int, Decision]], list[BadInput]]:
    name = f"{workspace.config.tones.folder}/{_name(root, path)}"
    try:
        return handbook.read(Path(path).read_bytes(), name, workspace.vocabulary)
    except OSError as e:
        return [], [BadInput(f"{name} could not be read ({e.strerror})", "give yourself the right to read it")]
