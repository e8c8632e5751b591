"""Bringing the index up to what the ledger says: after every change, after a kill, after a text was forgotten."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress

from tonewright.errors import TonewrightError, TryLater
from tonewright.repository import Repository
from tonewright.search.chunks import chunks_of
from tonewright.search.index import Index, index_file
from tonewright.search.site import read_site, settings_files
from tonewright.workspace import Workspace

log = logging.getLogger("tonewright.search")
_BATCH = 200  # documents in one transaction: a kill costs at most so many
_SEEN, _SITE = "seen", "site"


def open_index(workspace: Workspace, progress: Callable[[int, int], None] = lambda done, of: None) -> Index:
    """The index, made if need be, and as the ledger is now. `progress` is told (documents done, documents in all).

    A damaged file is made anew. Raises `TryLater` when the disk is full or somebody else writes for very long.
    """
    file = index_file(workspace)
    try:
        return _refreshed(workspace, progress)
    except sqlite3.OperationalError as e:
        raise TryLater(f"{file} cannot be used now ({e})", "try again; it is derived") from e
    except sqlite3.DatabaseError as e:
        log.warning("%s is damaged (%s), and made anew", file, e)
        for part in file.parent.glob(f"{file.name}*"):
            part.unlink()
        return _refreshed(workspace, progress)


def _refreshed(workspace: Workspace, progress: Callable[[int, int], None]) -> Index:
    index = Index(index_file(workspace))
    try:
        refresh(workspace, index, progress)
    except BaseException:
        index.db.close()
        raise
    return index


def refresh(workspace: Workspace, index: Index, progress: Callable[[int, int], None] = lambda done, of: None) -> int:
    """Look at every document that changed since the last time; returns how many did.

    The ledger is read inside the index's transaction. So whoever forgets a text, and then waits for that transaction,
    knows that nobody is about to write it from an older reading.
    """
    if _is_current(workspace, index):
        return 0
    site, repository = read_site(workspace.root), None
    with suppress(TonewrightError):
        repository = Repository(workspace.root)
    done, of = 0, 0
    while True:
        with index.transaction():
            _begin_anew_if_need_be(workspace, index)
            seen = int(index.get(_SEEN) or 0)
            changed = workspace.ledger.read(
                "SELECT id, document FROM document_changes WHERE id > ? ORDER BY id LIMIT ?", (seen, _BATCH)
            )
            if not changed:
                return done
            of = of or workspace.ledger.read("SELECT count(*) FROM document_changes WHERE id > ?", (seen,))[0][0]
            for _, document in changed:
                index.replace(document, chunks_of(workspace, repository, site, document))
            index.remember(_SEEN, str(changed[-1][0]))
        done += len(changed)
        progress(done, max(of, done))


def drop_forgotten(workspace: Workspace) -> None:
    """After a text has left the ledger: no byte of it stays in the index. Raises `TryLater` while somebody reads it."""
    if index_file(workspace).is_file():
        with open_index(workspace) as index:
            index.scrub()


def _is_current(workspace: Workspace, index: Index) -> bool:
    """Whether nothing has changed, without waiting for whoever writes."""
    return index.get(_SITE) == _settings(workspace) and int(index.get(_SEEN) or 0) == _latest(workspace)


def _begin_anew_if_need_be(workspace: Workspace, index: Index) -> None:
    """Permalinks follow the site's settings; and a ledger that is behind the index is another one, from a backup."""
    if index.get(_SITE) == _settings(workspace) and int(index.get(_SEEN) or 0) <= _latest(workspace):
        return
    index.remember(_SITE, _settings(workspace))
    index.remember(_SEEN, "0")
    known = {int(row[0]) for row in workspace.ledger.read("SELECT id FROM documents")}
    for (document,) in index.db.execute("SELECT DISTINCT document FROM chunks").fetchall():
        if document not in known:
            index.replace(document, [])


def _settings(workspace: Workspace) -> str:
    """A name for what the site's own settings say."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in settings_files(workspace.root))).hexdigest()


def _latest(workspace: Workspace) -> int:
    return int(workspace.ledger.read("SELECT coalesce(max(id), 0) FROM document_changes")[0][0])
