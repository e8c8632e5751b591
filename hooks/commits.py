"""Which posts the configured branches hold now, compared with what was seen before; the differences are events.

A hook only says that something may have changed. This scan is the truth: it finds work that came in under
`--no-verify`, from a GUI, by a pull or while nothing was running, and it finds nothing twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from tonewright.events import POST, REVISION, NewEvent
from tonewright.ledger.leases import supersede
from tonewright.ledger.store import Transaction
from tonewright.repository import Repository, Version
from tonewright.workspace import Workspace

Progress = Callable[[int], None]

BATCH = 500  # versions per transaction: a long first reading can be stopped, and goes on from there
VERSION = "path, blob, commit_id, author, message, old_blob, old_path"
SO_FAR = "..so-far"  # stands among the tips for the last commit of a reading under way; no branch can have this name


def scan(workspace: Workspace, repository: Repository, progress: Progress | None = None) -> list[int]:
    """Record an event for every new version of a post; returns the ids of new events.

    History is read in batches, each with its place in one transaction. At the end events, tips and the list of
    current posts change together, so a scan that is killed has announced nothing and the next one goes on where it
    was. Posts whose commits are by somebody else (`blog.authors`) are left out.
    """
    blog = workspace.config.blog
    folders = (*blog.posts, *blog.drafts)
    place = repository.identity
    while True:
        tips = repository.tips(blog.branches)
        seen = dict(workspace.ledger.read("SELECT ref, oid FROM tips WHERE repository = ?", (place,)))
        # A branch list that matches nothing (a renamed branch, an empty repository) takes no post away.
        if not tips or tips == seen:
            return []
        _read_history(
            workspace, place, repository.new_versions(list(tips.values()), list(seen.values()), folders), progress
        )
        now: dict[str, str] = {}
        for branch in reversed(blog.branches):  # where branches differ, the one named first wins
            if branch in tips:
                now.update(repository.posts_at(tips[branch], folders))
        with workspace.ledger.transaction() as tx:
            if _tips(tx, place) != {k: v for k, v in seen.items() if k != SO_FAR}:
                continue  # another process has scanned meanwhile: what we read may be the older state
            _announce(tx, place, now, blog.authors)
            _settle_current(tx, place, now, blog.authors)
            tx.execute("DELETE FROM tips WHERE repository = ?", (place,))
            for ref, oid in tips.items():
                tx.execute("INSERT INTO tips VALUES (?, ?, ?)", (place, ref, oid))
            return tx.added


def _tips(tx: Transaction, place: str) -> dict[str, str]:
    rows = tx.execute("SELECT ref, oid FROM tips WHERE repository = ? AND ref != ?", (place, SO_FAR))
    return dict(rows.fetchall())


def _read_history(workspace: Workspace, place: str, versions: Iterator[Version], progress: Progress | None) -> None:
    """Store what the commits brought, silently; `_announce` makes events of it once all of it is known."""
    read = 0
    while batch := list(itertools.islice(versions, BATCH)):
        with workspace.ledger.transaction() as tx:
            for version in batch:
                _keep(tx, place, version)
            tx.execute("INSERT OR REPLACE INTO tips VALUES (?, ?, ?)", (place, SO_FAR, batch[-1].commit))
        read += len(batch)
        if progress and len(batch) == BATCH:
            progress(read)


def _keep(tx: Transaction, place: str, version: Version) -> None:
    """A path and blob that were never seen together are a new version; otherwise only its commit is newer.

    Whoever wrote a text first stays its author, whoever renames or restores the file later.
    """
    tx.execute(
        """INSERT INTO versions(repository, path, blob, commit_id, author, message, old_blob, old_path, announced)
           VALUES (?1, ?2, ?3, ?4,
               coalesce((SELECT author FROM versions WHERE repository = ?1 AND blob = ?3 LIMIT 1), ?5), ?6, ?7, ?8, 0)
           ON CONFLICT DO UPDATE SET commit_id = excluded.commit_id, message = excluded.message""",
        (
            place,
            version.path,
            version.blob,
            version.commit,
            version.author,
            version.message,
            version.old_blob,
            version.old_path,
        ),
    )


def _announce(tx: Transaction, place: str, now: dict[str, str], authors: tuple[str, ...]) -> None:
    """Events for the versions that were read and not announced yet, and for the edits that led to them."""
    while rows := tx.execute(
        f"SELECT rowid, {VERSION} FROM versions WHERE repository = ? AND announced = 0 ORDER BY rowid LIMIT ?",  # noqa: S608
        (place, BATCH),
    ).fetchall():
        for _, *columns in rows:
            version = Version(*columns)
            if not _is_mine(version, authors):
                continue
            _add(tx, place, version, identity=version.blob, current=now.get(version.path) == version.blob)
            if version.old_blob and _is_mine(_known(tx, place, version.old_path, version.old_blob), authors):
                _add_revision(tx, place, version)
        tx.execute("UPDATE versions SET announced = 1 WHERE repository = ? AND rowid <= ?", (place, rows[-1][0]))


def _settle_current(tx: Transaction, place: str, now: dict[str, str], authors: tuple[str, ...]) -> None:
    """Make `current_posts` equal to `now`, with an event for a return to an older version and for a removal."""
    before = {
        path: (blob, commit)
        for path, blob, commit in tx.execute(
            "SELECT path, blob, commit_id FROM current_posts WHERE repository = ?", (place,)
        )
    }
    for path, blob in now.items():
        if before.get(path, ("", ""))[0] == blob:
            continue
        version = _known(tx, place, path, blob)
        tx.execute("INSERT OR REPLACE INTO current_posts VALUES (?, ?, ?, ?)", (place, path, blob, version.commit))
        again = f"{blob}@{tx.now}"
        if not _is_mine(version, authors):
            if _in_hand(tx, place, path):  # the author's words are not on the branch any more
                _add(tx, place, version, identity=again, guest=version.author)
        elif not _in_hand(tx, place, path, blob):  # announced before: a revert, a force-push to an older state
            _add(tx, place, version, identity=again)
    for path in before.keys() - now.keys():
        tx.execute("DELETE FROM current_posts WHERE repository = ? AND path = ?", (place, path))
        gone = Version(path, "", before[path][1], "", "no longer on the branch")
        _add(tx, place, gone, identity=f"gone@{tx.now}")


def _known(tx: Transaction, place: str, path: str, blob: str) -> Version:
    row = tx.execute(
        f"SELECT {VERSION} FROM versions WHERE repository = ? AND path = ? AND blob = ?",  # noqa: S608
        (place, path, blob),
    ).fetchone()
    return Version(*row) if row else Version(path, blob, "", "", "")


def _is_mine(version: Version, authors: tuple[str, ...]) -> bool:
    return not authors or not version.author or version.author in authors


def _in_hand(tx: Transaction, place: str, path: str, blob: str = "") -> bool:
    """Whether the post, in version `blob` or in any, waits, is being worked on or is in the corpus."""
    waits = tx.execute(
        """SELECT 1 FROM events WHERE kind = ? AND source = ? AND state IN ('pending', 'leased')
           AND ? IN ('', json_extract(payload, '$.version'))""",
        (POST, path, blob),
    ).fetchone()
    kept = tx.execute(
        "SELECT 1 FROM documents WHERE place = ? AND path = ? AND live = 1 AND ? IN ('', version)", (place, path, blob)
    ).fetchone()
    return bool(waits or kept)


def _add(
    tx: Transaction, place: str, version: Version, *, identity: str, current: bool = True, guest: str = ""
) -> None:
    payload = {
        "origin": "git",
        "place": place,
        "path": version.path,
        "version": version.blob,
        "commit": version.commit,
        "message": version.message,
        "guest": guest,  # who made the last change, if not the author
    }
    event = tx.add(NewEvent(POST, version.path, identity, payload))
    if event is not None and current:  # one that came and went between two scans takes nobody's place
        supersede(tx, POST, version.path, newer=event)


def _add_revision(tx: Transaction, place: str, version: Version) -> None:
    payload = {
        "place": place,
        "path": version.path,
        "blob": version.blob,
        "old_path": version.old_path,
        "old_blob": version.old_blob,
        "commit": version.commit,
    }
    tx.add(NewEvent(REVISION, version.path, f"{version.old_blob}..{version.blob}", payload))
