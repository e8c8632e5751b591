"""The folders compared with the manifest: what is new, what changed, what went away.

Events of the operating system only wake this scan up. It reads the watched folders and writes nothing into them;
what it takes is copied into the state folder under its hash, so a note that the phone deletes later is kept.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tonewright.events import NOTE, POST, NewEvent
from tonewright.ledger.leases import supersede
from tonewright.ledger.store import Transaction
from tonewright.notes.container import Truncated, check_container
from tonewright.notes.files import in_cloud, is_ignored, is_note
from tonewright.notes.transcript import find_sidecar
from tonewright.posts.post import is_post
from tonewright.workspace import Workspace
from watchers.settle import Settling, signature

INCOMPLETE_SECONDS = 60.0  # a file that is not whole after being quiet this long needs the author's eye
TAKEN, ARRIVING, ATTENTION, IN_CLOUD = "taken", "arriving", "attention", "in the cloud"


@dataclass(frozen=True)
class Folder:
    """One watched folder and what is looked for in it."""

    root: Path
    kind: str  # NOTE or POST

    @property
    def wanted(self) -> Callable[[Path], bool]:
        """Whether a file is named like what this folder is watched for."""
        return is_note if self.kind == NOTE else lambda path: is_post(str(path))


def folders(workspace: Workspace) -> list[Folder]:
    """All folders that the configuration names."""
    config = workspace.config
    return [Folder(workspace.path(f), NOTE) for f in config.notes.folders] + [
        Folder(workspace.path(f), POST) for f in config.blog.folders
    ]


def scan(workspace: Workspace, folder: Folder, settling: Settling) -> list[int]:
    """Record events for what is new in `folder`; returns their ids.

    A folder that is not there (an unmounted disk) deletes nothing.
    """
    if not folder.root.is_dir():
        return []
    known = {
        path: (seen, state)
        for path, seen, state in workspace.ledger.read(
            "SELECT path, signature, state FROM manifest WHERE root = ?", (str(folder.root),)
        )
    }
    added: list[int] = []
    met = set()
    for file in _walk(folder.root, folder.wanted):
        name = str(file)
        met.add(name)
        seen = _seen(folder, file)
        if seen is None or known.get(name) == (seen, TAKEN):
            continue
        added += _look(workspace, folder, file, seen, settling, known.get(name, ("", ""))[1])
    added += _gone(workspace, folder, known.keys() - met)
    return added


def _walk(root: Path, wanted: Callable[[Path], bool]) -> Iterator[Path]:
    stack = [root]
    while stack:
        try:
            entries = sorted(os.scandir(stack.pop()), key=lambda e: e.name)
        except OSError:  # taken away or locked while we looked: the next scan tells
            continue
        for entry in entries:
            if is_ignored(entry.name) or entry.is_symlink():
                continue
            if entry.is_dir(follow_symlinks=False):
                stack.append(Path(entry.path))
            elif wanted(Path(entry.path)):
                yield Path(entry.path)


def _seen(folder: Folder, file: Path) -> str | None:
    """The signature of a file (a note's together with its transcript's), or None when it is gone again."""
    try:
        parts = [signature(file.lstat())]
        sidecar = find_sidecar(file) if folder.kind == NOTE else None
        if sidecar is not None:
            parts.append(signature(sidecar.lstat()))
    except OSError:
        return None
    return "+".join(parts)


def _look(
    workspace: Workspace, folder: Folder, file: Path, seen: str, settling: Settling, state_before: str
) -> list[int]:
    """One look at a file that is new or has changed."""
    if in_cloud(file.lstat()):
        _remember(
            workspace,
            folder,
            file,
            seen,
            IN_CLOUD,
            "not downloaded to this machine; open it once to fetch it",
        )
        return []
    quiet = settling.quiet_for(file, seen)
    if quiet < settling.seconds:
        return []
    reason = _incomplete(folder, file)
    if reason:
        state = ATTENTION if quiet >= INCOMPLETE_SECONDS else ARRIVING
        if state != state_before:
            _remember(workspace, folder, file, seen, state, reason)
        return []
    taken = _take(workspace, file)
    sidecar = find_sidecar(file) if folder.kind == NOTE else None
    transcript = _take(workspace, sidecar) if sidecar else ""
    if taken is None or transcript is None or _seen(folder, file) != seen:  # something changed under the copy
        return []
    settling.done(file)
    with workspace.ledger.transaction() as tx:
        _announce(tx, folder, file, taken, sidecar, transcript)
        tx.execute(
            "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?, ?, ?, '')",
            (str(folder.root), str(file), seen, taken, TAKEN),
        )
        return tx.added


def _incomplete(folder: Folder, file: Path) -> str:
    """Why a recording is not whole yet, or ""."""
    if folder.kind != NOTE:
        return ""
    if file.stat().st_size == 0:
        return f"{file} is empty: record it again, or delete it"
    verdict = check_container(file)
    if isinstance(verdict, Truncated) and not verdict.playable:
        return f"{file} is not whole ({verdict.reason}): copy it again"
    return ""


def _take(workspace: Workspace, file: Path) -> str | None:
    """Copy `file` into the store under its hash; None when it changed or vanished meanwhile."""
    store = workspace.folder("store")
    aside = store / f"incoming.{os.getpid()}.part"
    try:
        before = signature(file.stat())
        digest = hashlib.sha256()
        with file.open("rb") as source, aside.open("wb") as copy:
            while piece := source.read(1 << 20):
                digest.update(piece)
                copy.write(piece)
            copy.flush()
            os.fsync(copy.fileno())
        if signature(file.stat()) != before:
            return None
    except (FileNotFoundError, PermissionError, BlockingIOError):
        return None
    kept = store / digest.hexdigest()
    if kept.exists():
        aside.unlink()
    else:
        aside.replace(kept)
    return digest.hexdigest()


def _announce(tx: Transaction, folder: Folder, file: Path, taken: str, sidecar: Path | None, transcript: str) -> None:
    payload = {
        "origin": "folder",
        "place": str(folder.root),
        "path": str(file),
        "version": taken,
        "commit": "",
    }
    identity = taken
    if folder.kind == NOTE:
        payload["transcript"] = transcript  # the copy has no suffix, so its form is told beside it
        payload["transcript_kind"] = sidecar.suffix.lower() if sidecar else ""
        identity = f"{taken}+{transcript}"
    else:
        current = tx.execute(
            "SELECT blob FROM current_posts WHERE repository = ? AND path = ?", (str(folder.root), str(file))
        ).fetchone()
        if current and current[0] == taken:
            return
        tx.execute("INSERT OR REPLACE INTO current_posts VALUES (?, ?, ?, '')", (str(folder.root), str(file), taken))
        if tx.execute(
            "SELECT 1 FROM events WHERE kind = ? AND source = ? AND json_extract(payload, '$.version') = ?",
            (POST, str(file), taken),
        ).fetchone():  # back to a version that was here before
            identity = f"{taken}@{tx.now}"
    event = tx.add(NewEvent(folder.kind, str(file), identity, payload))
    if event is not None:
        supersede(tx, folder.kind, str(file), newer=event)


def _gone(workspace: Workspace, folder: Folder, paths: set[str]) -> list[int]:
    """Forget files that are no longer there. A deleted post leaves the corpus; a note that was heard stays."""
    if not paths:
        return []
    with workspace.ledger.transaction() as tx:
        for path in sorted(paths):
            tx.execute("DELETE FROM manifest WHERE root = ? AND path = ?", (str(folder.root), path))
            if folder.kind == POST:
                tx.execute("DELETE FROM current_posts WHERE repository = ? AND path = ?", (str(folder.root), path))
                payload = {
                    "origin": "folder",
                    "place": str(folder.root),
                    "path": path,
                    "version": "",
                    "commit": "",
                }
                tx.add(NewEvent(POST, path, f"gone@{tx.now}", payload))
        return tx.added


def _remember(workspace: Workspace, folder: Folder, file: Path, seen: str, state: str, note: str) -> None:
    with workspace.ledger.transaction() as tx:
        tx.execute(
            "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?, NULL, ?, ?)",
            (str(folder.root), str(file), seen, state, note),
        )
