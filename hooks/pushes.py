"""Which branches reached a remote: the reflog of the remote-tracking refs, the only thing that tells success.

`pre-push` runs before a push and also for a dry run or a rejected one; the entry "update by push" is written when
the remote has said yes, whether anything of ours was running or not. Pushes to a bare URL and of tags leave no
such entry and are not seen.
"""

from __future__ import annotations

import re

from tonewright.events import PUSH, NewEvent
from tonewright.process import run
from tonewright.repository import Repository
from tonewright.workspace import Workspace

PUSHED = "update by push"


def scan(workspace: Workspace, repository: Repository) -> list[int]:
    """Record an event for every push that was not seen before; returns the ids of new events."""
    place = repository.identity
    refs = run(["git", "for-each-ref", "--format=%(refname)", "refs/remotes"], cwd=repository.top).stdout.split()
    entries = [(ref, oid, at) for ref in refs for oid, at in _pushes(repository, ref)]
    known = set(workspace.ledger.read("SELECT ref, oid, at FROM pushes WHERE repository = ?", (place,)))
    fresh = [e for e in entries if e not in known]
    if not fresh:
        return []
    with workspace.ledger.transaction() as tx:
        for ref, oid, at in fresh:
            tx.execute("INSERT OR IGNORE INTO pushes VALUES (?, ?, ?, ?)", (place, ref, oid, at))
            payload = {"place": place, "ref": ref, "commit": oid, "at": at}
            tx.add(NewEvent(PUSH, ref.removeprefix("refs/remotes/"), f"{oid}@{at}", payload))
        return tx.added


def _pushes(repository: Repository, ref: str) -> list[tuple[str, int]]:
    """(commit id, seconds since the epoch) of each push that the reflog of `ref` tells of, oldest first."""
    shown = run(
        ["git", "log", "-g", "--date=unix", "--format=%H%x09%gd%x09%gs", ref, "--"],
        cwd=repository.top,
        check=False,
    )
    found = []
    for line in shown.stdout.splitlines():
        oid, _, rest = line.partition("\t")
        stamp, _, message = rest.partition("\t")
        at = re.search(r"@\{(\d+)\}", stamp)
        if at and message == PUSHED:
            found.append((oid, int(at[1])))
    return found[::-1]
