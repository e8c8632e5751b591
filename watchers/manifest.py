"""The manifest: what the last look saw of each watched file, one row of the ledger per file.

The `signature` column reads `SEEN@VOLUME`, with a `?` at its end when the file changed so shortly before it was taken
that a rewrite in the same tick of the clock could look the same; such a file is read again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tonewright.events import NOTE, POST
from tonewright.ledger.store import Ledger, Transaction
from tonewright.notes.files import is_audio, is_ignored
from tonewright.posts.post import is_post
from tonewright.workspace import Workspace

# GONE: a note whose file is no longer there. It was heard, so it stays in the corpus, and its row tells a move.
TAKEN, GONE = "taken", "gone"
# What `status` shows, each with the reason in its `note` column.
ARRIVING, ATTENTION, IN_CLOUD = "arriving", "attention", "in the cloud"


@dataclass(frozen=True)
class Folder:
    """One watched folder and what is looked for in it."""

    root: Path
    kind: str  # NOTE or POST

    @property
    def wanted(self) -> Callable[[str], bool]:
        """Whether a file of this name is what the folder is watched for."""
        return is_audio if self.kind == NOTE else is_post


def folders(workspace: Workspace) -> list[Folder]:
    """All folders that the configuration names; one inside another of its kind is scanned with the outer one."""
    notes, posts = workspace.config.notes.folders, workspace.config.blog.folders
    found = [Folder(workspace.path(f), NOTE) for f in notes] + [Folder(workspace.path(f), POST) for f in posts]
    return [f for i, f in enumerate(found) if not any(_covers(other, f, j < i) for j, other in enumerate(found))]


def _covers(outer: Folder, inner: Folder, is_earlier: bool) -> bool:
    """Whether a scan of `outer` meets everything in `inner` as well."""
    if outer is inner or outer.kind != inner.kind:
        return False
    above, below = outer.root.resolve(), inner.root.resolve()
    if above == below:
        return is_earlier
    return below.is_relative_to(above) and not any(is_ignored(part) for part in below.relative_to(above).parts)


class Row(NamedTuple):
    """What the manifest says of one file."""

    seen: str
    volume: str  # the file system that held it; "" in rows of the first release
    racy: bool
    content: str  # sha256, or ""
    state: str
    note: str


def rows(ledger: Ledger, folder: Folder) -> dict[str, Row]:
    """{path: row} of the files of this folder's kind; the same folder may be watched for both."""
    found = ledger.read("SELECT path, signature, sha256, state, note FROM manifest WHERE root = ?", (str(folder.root),))
    return {path: read(*rest) for path, *rest in found if is_audio(path) == (folder.kind == NOTE)}


def row(tx: Transaction, folder: Folder, path: str) -> Row | None:
    """What the manifest says of `path` now; another process may have looked since `rows`."""
    found = tx.execute(
        "SELECT signature, sha256, state, note FROM manifest WHERE root = ? AND path = ?", (str(folder.root), path)
    ).fetchone()
    return read(*found) if found else None


def read(signature: str, content: str | None, state: str, note: str) -> Row:
    """A row from its columns."""
    seen, _, volume = signature.partition("@")
    return Row(seen, volume.rstrip("?"), volume.endswith("?"), content or "", state, note)


def write(tx: Transaction, folder: Folder, path: str, row: Row) -> None:
    """Replace what the manifest says of `path`."""
    signature = f"{row.seen}@{row.volume}{'?' * row.racy}"
    tx.execute(
        "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?, ?, ?, ?)",
        (str(folder.root), path, signature, row.content or None, row.state, row.note),
    )


def forget(tx: Transaction, folder: Folder, path: str) -> None:
    """Take the row of `path` away."""
    tx.execute("DELETE FROM manifest WHERE root = ? AND path = ?", (str(folder.root), path))
