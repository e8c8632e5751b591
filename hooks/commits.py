"""Which posts the configured branches hold now, compared with what was seen before; the differences are events.

A hook only says that something may have changed. This scan is the truth: it finds work that came in under
`--no-verify`, from a GUI, by a pull or while nothing was running, and it finds nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable

from tonewright.events import POST, NewEvent
from tonewright.ledger.leases import supersede
from tonewright.ledger.store import Transaction
from tonewright.repository import Repository, Version
from tonewright.workspace import Workspace

Progress = Callable[[int], None]


def scan(workspace: Workspace, repository: Repository, progress: Progress | None = None) -> list[int]:
    """Record an event for every new version of a post; returns the ids of new events.

    Events, versions, tips and the list of current posts change in one transaction, so a scan that is killed has
    not happened. Posts whose commits are by somebody else (`blog.authors`) are left out.
    """
    blog = workspace.config.blog
    folders = (*blog.posts, *blog.drafts)
    place = repository.identity
    tips = repository.tips(blog.branches)
    seen = dict(workspace.ledger.read("SELECT ref, oid FROM tips WHERE repository = ?", (place,)))
    # A branch list that matches nothing (a renamed branch, an empty repository) takes no post away.
    if not tips or tips == seen:
        return []
    versions = []
    for version in repository.new_versions(list(tips.values()), list(seen.values()), folders):
        versions.append(version)
        if progress and len(versions) % 100 == 0:
            progress(len(versions))
    now: dict[str, str] = {}
    for branch in reversed(blog.branches):  # where branches differ, the one named first wins
        if branch in tips:
            now.update(repository.posts_at(tips[branch], folders))

    with workspace.ledger.transaction() as tx:
        newest: dict[tuple[str, str], Version] = {}
        for version in versions:
            newest[version.path, version.blob] = version
            if version.blob:
                _announce(tx, place, version, blog.authors)
        _settle_current(tx, place, now, newest, blog.authors)
        tx.execute("DELETE FROM tips WHERE repository = ?", (place,))
        for ref, oid in tips.items():
            tx.execute("INSERT INTO tips VALUES (?, ?, ?)", (place, ref, oid))
        return tx.added


def _announce(tx: Transaction, place: str, version: Version, authors: tuple[str, ...]) -> None:
    """One event for a path and blob that were never seen together."""
    new = tx.execute(
        "INSERT OR IGNORE INTO versions(repository, path, blob, commit_id) VALUES (?, ?, ?, ?) RETURNING path",
        (place, version.path, version.blob, version.commit),
    ).fetchone()
    if new is not None:
        _add(tx, place, version, authors, identity=version.blob)


def _settle_current(
    tx: Transaction,
    place: str,
    now: dict[str, str],
    newest: dict[tuple[str, str], Version],
    authors: tuple[str, ...],
) -> None:
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
        version = newest.get((path, blob)) or _known(tx, place, path, blob)
        tx.execute("INSERT OR REPLACE INTO current_posts VALUES (?, ?, ?, ?)", (place, path, blob, version.commit))
        # A blob that was announced before (a revert, a force-push to an older state) needs to be taken up again.
        _add(tx, place, version, authors, identity=blob, again=version.commit)
    for path in before.keys() - now.keys():
        tx.execute("DELETE FROM current_posts WHERE repository = ? AND path = ?", (place, path))
        gone = newest.get((path, "")) or Version(path, "", before[path][1], "", "no longer on the branch")
        _add(tx, place, gone, (), identity="gone", again=gone.commit)


def _known(tx: Transaction, place: str, path: str, blob: str) -> Version:
    row = tx.execute(
        "SELECT commit_id FROM versions WHERE repository = ? AND path = ? AND blob = ?", (place, path, blob)
    ).fetchone()
    return Version(path, blob, row[0] if row else "", "", "")


def _add(
    tx: Transaction, place: str, version: Version, authors: tuple[str, ...], *, identity: str, again: str = ""
) -> None:
    """Add the event unless this very version is still waiting or being worked on."""
    if authors and version.author and version.author not in authors:
        return
    payload = {
        "origin": "git",
        "place": place,
        "path": version.path,
        "version": version.blob,
        "commit": version.commit,
        "message": version.message,
    }
    if again:
        live = tx.execute(
            """SELECT 1 FROM events WHERE kind = ? AND source = ? AND state IN ('pending', 'leased')
               AND json_extract(payload, '$.version') = ?""",
            (POST, version.path, version.blob),
        ).fetchone()
        done = tx.execute(
            "SELECT 1 FROM documents WHERE place = ? AND path = ? AND version = ? AND live = 1",
            (place, version.path, version.blob),
        ).fetchone()
        if live or done:
            return
        identity = f"{identity}@{again}"
    event = tx.add(NewEvent(POST, version.path, identity, payload))
    if event is not None:
        supersede(tx, POST, version.path, newer=event)
